package demo

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

// photo is a small valid JPEG: grey rain over water, another one for each seed.
func photo(seed int64) []byte {
	const side = 48
	picture := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			shade := uint8((int64(x*3+y*5) + seed*17) % 160)
			picture.Set(x, y, color.RGBA{R: shade / 2, G: shade, B: 90 + shade/2, A: 255})
		}
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, picture, &jpeg.Options{Quality: 60}) // a buffer takes everything
	return b.Bytes()
}
