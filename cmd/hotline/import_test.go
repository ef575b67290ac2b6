package main

import (
	"os"
	"testing"
)

// Nobody is asked anything at the null device or in a file: a job of the night has no one to answer.
func TestNobodySitsAtTheNullDevice(t *testing.T) {
	t.Parallel()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close() //nolint:errcheck // it was only looked at
	if terminal(null) != nil {
		t.Error("the null device is taken for a person")
	}
	file, err := os.Create(t.TempDir() + "/answers")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was only looked at
	if terminal(file) != nil {
		t.Error("a file is taken for a person")
	}
}
