package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// machine says what the run was made on, with the price of one durable write on its disk: the
// figures below depend on that more than on anything else.
func machine(dir string) (string, error) {
	price, err := fsync(dir)
	if err != nil {
		return "", err
	}
	words := []string{fmt.Sprintf("%d cores", runtime.NumCPU())}
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		words = append(words, model)
	}
	if total := field("/proc/meminfo", "MemTotal"); total != "" {
		if kb, err := strconv.Atoi(strings.TrimSuffix(total, " kB")); err == nil {
			words = append(words, fmt.Sprintf("%d GB", (kb+1<<19)>>20))
		}
	}
	words = append(words, runtime.GOOS+"/"+runtime.GOARCH, runtime.Version(), "4 KiB write + fsync "+duration(float64(price)))
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		words = append(words, "load before the run "+strings.Fields(string(load))[0])
	}
	return "Machine: " + strings.Join(words, ", ") + ".", nil
}

// fsync is the median time of a durable write of one page at the end of a file.
func fsync(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "fsync")) //nolint:gosec // the run's own folder
	if err != nil {
		return 0, fmt.Errorf("probe the disk: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // the folder goes too
	defer f.Close()           //nolint:errcheck // its content does not matter
	page := make([]byte, 4096)
	took := make([]time.Duration, 51)
	for i := range took {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, fmt.Errorf("probe the disk: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("probe the disk: %w", err)
		}
		took[i] = time.Since(began)
	}
	return median(took), nil
}

// field reads one "name: value" of a file of /proc; "" when it is not there.
func field(file, name string) string {
	b, err := os.ReadFile(file) //nolint:gosec // a file of /proc
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(b) {
		if key, value, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// resident is the memory of a process that is in RAM, bytes; 0 where there is no /proc.
func resident(pid int) float64 {
	kb, _ := strconv.ParseFloat(strings.TrimSuffix(field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS"), " kB"), 64)
	return kb * 1024
}

// spent is the processor time a process has used so far; 0 where there is no /proc.
func spent(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name may hold blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * (time.Second / 100) // USER_HZ is 100 on every Linux Go runs on
}

// median is the middle value, or the mean of the two in the middle. values must not be empty.
func median[T int64 | float64 | time.Duration](values []T) T {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
