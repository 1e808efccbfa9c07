package main

import (
	"os"
	"slices"
	"testing"
)

func TestPlainRates(t *testing.T) {
	rates := plainRates()
	if len(rates) != plainTopics || slices.Min(rates) != plainHz || slices.Max(rates) != 8*plainHz || slices.IsSorted(rates) {
		t.Error(rates)
	}
	if !slices.Equal(rates, plainRates()) {
		t.Error("another load each time")
	}
}

func TestStartOf(t *testing.T) {
	body := append(make([]byte, 8), 0x90, 0x03) // zigzag of 200
	if start, err := startOf(body); err != nil || start != 200 {
		t.Error(start, err)
	}
	for n := range 10 {
		if _, err := startOf(body[:n]); err == nil {
			t.Errorf("%d bytes are enough", n)
		}
	}
}

func TestRan(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc")
	}
	sum := 0.0
	for i := 0; ran(os.Getpid()) == 0; i++ { // ends as soon as the kernel has counted anything
		sum += float64(i)
	}
	if sum < 0 {
		t.Error(sum)
	}
}
