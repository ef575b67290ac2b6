// Package classify names the category of a text by a model that was trained from labelled texts.
//
// A text is what its grams are: the runs of one to three neighbouring characters of the folded text,
// known by a hash of 32 bits. A model holds a weight per gram and category; the category with the
// largest sum wins, and the grams that made it so are the reason that is told. There is no word
// segmentation and no dictionary.
//
// Training is one linear support vector machine per category over TF-IDF, by dual coordinate descent
// (Hsieh et al., A Dual Coordinate Descent Method for Large-scale Linear SVM, ICML 2008, algorithm 1 for
// the squared hinge). How sure a model is, and from which confidence on it reaches a precision, is
// measured on texts that were held out of training, never on those it learned from.
//
// The same texts in any order make the same model, byte for byte. A gram is learned only when three
// different texts have it, and all numbers count as one sign: what single citizens write of themselves
// does not get into a model, nor from there into a decision.
//
// It is pure: no I/O, no clock.
package classify
