package config

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
)

// Archive is the pack as one value, to be stored under its hash: a zip of its files in the order
// of their paths, without times. [FromArchive] opens it again.
func Archive(p *Pack) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.DefaultCompression)
	})
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err != nil {
			return nil, fmt.Errorf("config: archive %s: %w", name, err)
		}
		if _, err := w.Write(p.Files[name]); err != nil {
			return nil, fmt.Errorf("config: archive %s: %w", name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("config: archive: %w", err)
	}
	return b.Bytes(), nil
}

// FromArchive opens what [Archive] made, for [Load], which bounds what it reads of each file.
// It refuses what is not such an archive: names that climb out, repeated names, declared sizes
// above the limits of a pack.
func FromArchive(archive []byte) (fs.FS, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("config: stored pack cannot be read: %w; publish the pack again", err)
	}
	if len(z.File) > MaxFiles {
		return nil, fmt.Errorf("config: stored pack holds %d files, more than %d; publish the pack again", len(z.File), MaxFiles)
	}
	seen := make(map[string]bool, len(z.File))
	var total uint64
	for _, f := range z.File {
		switch total += f.UncompressedSize64; {
		case !fs.ValidPath(f.Name) || !f.Mode().IsRegular() || seen[f.Name]:
			return nil, fmt.Errorf("config: stored pack holds %q, which no pack can; publish the pack again", f.Name)
		case f.UncompressedSize64 > MaxFile || total > MaxPack:
			return nil, fmt.Errorf("config: stored pack is larger than a pack can be at %q; publish the pack again", f.Name)
		}
		seen[f.Name] = true
	}
	return z, nil
}
