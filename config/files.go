package config

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of a pack. A city of ten million needs a tenth of them.
const (
	MaxFile  = 8 << 20  // bytes of one file
	MaxPack  = 64 << 20 // bytes of all files
	MaxFiles = 4096     // files and folders
	maxDepth = 4        // folders below one another
)

// readFiles reads every file of the pack. Names that begin with a dot are not part of it:
// editors, version control and mounted volumes leave such beside the files.
// None is returned when the pack as a whole is too large: the rest is not worth judging.
func readFiles(fsys fs.FS) (map[string][]byte, Problems) {
	r := fileReader{fsys: fsys, files: map[string][]byte{}}
	r.folder(".", 0)
	if r.full {
		return nil, r.problems
	}
	return r.files, r.problems
}

type fileReader struct {
	fsys     fs.FS
	files    map[string][]byte
	problems Problems
	entries  int
	size     int64
	full     bool // a limit of the whole pack is reached
}

func (r *fileReader) add(file, format string, args ...any) {
	r.problems = append(r.problems, Problem{File: file, Text: fmt.Sprintf(format, args...)})
}

func (r *fileReader) folder(dir string, depth int) {
	entries, err := fs.ReadDir(r.fsys, dir)
	if err != nil {
		r.add(folderName(dir), "folder cannot be read: %v; check that it exists and its permissions", cause(err))
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || r.full {
			continue
		}
		if r.entries++; r.entries > MaxFiles {
			r.full = true
			r.add("", "pack has more than %d files; join lists into fewer files", MaxFiles)
			return
		}
		r.entry(path.Join(dir, e.Name()), e.Type(), depth)
	}
}

func (r *fileReader) entry(name string, mode fs.FileMode, depth int) {
	if mode&fs.ModeSymlink != 0 {
		target, err := fs.ReadLink(r.fsys, name)
		if err == nil && (path.IsAbs(target) || !fs.ValidPath(path.Join(path.Dir(name), target))) {
			r.add(name, "link %q points out of the pack; copy the file into it", target)
			return
		}
		info, err := fs.Stat(r.fsys, name)
		if err != nil {
			r.add(name, "link cannot be followed: %v; copy the file into the pack", cause(err))
			return
		}
		mode = info.Mode().Type()
	}
	switch {
	case mode.IsDir() && depth >= maxDepth:
		r.add(name, "folder lies deeper than %d; move its files up", maxDepth)
	case mode.IsDir():
		r.folder(name, depth+1)
	case mode.IsRegular():
		r.file(name)
	default:
		r.add(name, "is not a regular file; remove it from the pack")
	}
}

func (r *fileReader) file(name string) {
	if sectionOf(name) == nil && !isNote(name) && !isModel(name) {
		r.add(name, "does not belong in a pack; it takes %s", belongs())
		return
	}
	f, err := r.fsys.Open(name)
	if err != nil {
		r.add(name, "cannot be opened: %v; check its permissions", cause(err))
		return
	}
	defer f.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	switch r.size += int64(len(content)); {
	case err != nil:
		r.add(name, "cannot be read: %v; check the disk", cause(err))
	case len(content) > MaxFile:
		r.add(name, "is larger than %d MiB; split it", MaxFile>>20)
	case r.size > MaxPack:
		r.full = true
		r.add(name, "makes the pack larger than %d MiB; remove what is not needed", MaxPack>>20)
	case !isModel(name) && !utf8.Valid(content):
		r.add(name, "is not UTF-8; save it as UTF-8")
	default:
		r.files[name] = content
	}
}

// isNote reports whether a file is there for people: README, LICENSES and the like.
func isNote(name string) bool { return path.Ext(name) == ".md" }

// modelExt ends the name of a classifier's model: the one file of a pack that is no text.
const modelExt = ".model"

// isModel reports whether a file is the model of a classifier; it lies beside classifier.yaml.
func isModel(name string) bool { return path.Ext(name) == modelExt && path.Base(name) == name }

func folderName(dir string) string {
	if dir == "." {
		return ""
	}
	return dir
}

// cause drops the operation and the path from a file error: the problem names the file itself.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// hashFiles is the identity of a pack: SHA-256 in hex over its files in the order of their paths,
// each as length and path, length and content.
func hashFiles(files map[string][]byte) string {
	h := sha256.New()
	write := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		write([]byte(name))
		write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}
