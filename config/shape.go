package config

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/sla"
)

// shape checks single values: required, one of, ranges, forms. What lies between items
// (references, trees, gaps) is the loader's.
type shape struct{ v *validator.Validate }

// fault is one value of the wrong form.
type fault struct {
	Path string // of the value below its item, for [find]
	Text string
}

var (
	idForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	clockForm = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$`)
	lineForm  = regexp.MustCompile(`^[0-9-]{3,20}$`)
)

// forms are the checks of our own, with what they want in words.
var forms = map[string]struct {
	holds func(string) bool
	want  string
}{
	"id":     {idForm.MatchString, "must be letters, digits, dots, dashes and underscores, at most 64"},
	"clock":  {clockForm.MatchString, `must be a time of day such as "08:30"`},
	"date":   {isDate, `must be a date such as "2026-07-13"`},
	"line":   {lineForm.MatchString, `must be a telephone number such as "12345"`},
	"secret": {isSecretRef, "must be a reference, env:NAME or file:PATH, not the secret itself"},
	"prefix": {regexp.MustCompile(`^[A-Z]{2}$`).MatchString, `must be two capitals such as "LY"`},
	"digits": {regexp.MustCompile(`^[0-9]+$`).MatchString, "must be digits"},
	"web":    {isWeb, "must be an http or https address without user and password"},
	"webref": {isWebRef, "must be an http or https address without user and password, or a reference to one, env:NAME or file:PATH"},
	"mail":   {isMail, "must be a mail address such as \"duty@example.gov.cn\""},
	"model":  {isModel, "must be the name of a file beside it that ends in " + modelExt},
	"moment": {isMoment, `must be a time such as "2026-07-13 08:37"`},
	"fact":   {isFact, "must be one of " + strings.Join(routing.NumberFacts, ", ")},
	"host":   {regexp.MustCompile(`^[A-Za-z0-9.:-]{1,253}$`).MatchString, "must be a host name or an address, without scheme and path"},
}

func newShape() *shape {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" || name == "" {
			return f.Name
		}
		return name
	})
	for tag, form := range forms {
		// The only error is an empty tag or a missing function.
		_ = v.RegisterValidation(tag, func(fl validator.FieldLevel) bool { return form.holds(fl.Field().String()) })
	}
	for _, r := range append(foreignRules(), noticeRules()...) {
		v.RegisterStructValidationMapRules(r.rules, r.of)
	}
	return &shape{v}
}

type structRules struct {
	of    any
	rules map[string]string
}

// foreignRules are the tags of structs of other packages, which may not know the validator. They
// say only what routing and sla do not check themselves.
func foreignRules() []structRules {
	return []structRules{
		{routing.Unit{}, map[string]string{"Posts": "dive"}},
		{routing.Post{}, map[string]string{"ID": "required,id", "Role": "required," + oneOf(postRoles), "Title": "required"}},
		{routing.Notify{}, map[string]string{"URL": "required,web", "Secret": "required,secret"}},
		{sla.Policy{}, map[string]string{"Clocks": "dive"}},
		{sla.ClockRule{}, map[string]string{"Ladder": "dive"}},
		{sla.Step{}, map[string]string{"To": "dive," + oneOf(ladderRoles)}},
	}
}

func oneOf[T ~string](values []T) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return "oneof=" + strings.Join(words, " ")
}

// check lists what is wrong with one item, which must be a pointer to a struct.
func (s *shape) check(item any) []fault {
	err := s.v.Struct(item)
	var fields validator.ValidationErrors
	if !errors.As(err, &fields) {
		return nil
	}
	root := reflect.TypeOf(item).Elem().Name() + "."
	faults := make([]fault, 0, len(fields))
	for _, fe := range fields {
		path := strings.TrimPrefix(fe.Namespace(), root)
		faults = append(faults, fault{Path: path, Text: describe(path, fe)})
	}
	return faults
}

// describe says in words what a validator's tag wanted.
func describe(path string, fe validator.FieldError) string {
	value := shown(path, fmt.Sprint(fe.Value()))
	if form, ours := forms[fe.Tag()]; ours {
		return fmt.Sprintf("%s %s: %s", path, value, form.want)
	}
	switch fe.Tag() {
	case "required", "required_if", "required_with", "required_without":
		return path + ": is missing; give it"
	case "oneof":
		words := strings.Fields(fe.Param())
		if near := nearest(fmt.Sprint(fe.Value()), words); near != "" {
			return fmt.Sprintf("%s %s: is not known; did you mean %q?", path, value, near)
		}
		return fmt.Sprintf("%s %s: is not known; write one of %s", path, value, strings.Join(words, ", "))
	case "min", "gte", "gt":
		return fmt.Sprintf("%s: is too small or too short; the least is %s", path, fe.Param())
	case "max", "lte", "lt":
		return fmt.Sprintf("%s: is too large or too long; the most is %s", path, fe.Param())
	case "gtfield":
		return fmt.Sprintf("%s %s: must be greater than %s; mend one of them", path, value, strings.ToLower(fe.Param()))
	case "len":
		return fmt.Sprintf("%s: must hold %s values", path, fe.Param())
	case "unique":
		return path + ": names something twice; keep one"
	default:
		return fmt.Sprintf("%s %s: does not satisfy %q; mend it", path, value, strings.TrimSuffix(fe.Tag()+"="+fe.Param(), "="))
	}
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func isSecretRef(s string) bool {
	_, _, err := splitSecret(adapters.SecretRef(s))
	return err == nil
}

func isWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}
