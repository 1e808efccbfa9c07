package framing

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"sync"
)

// MaxInflated is how large the data of a record may be when they are decompressed,
// in bytes. What would be larger is a bad record.
const MaxInflated = 4 << 20

// keepInflated is the memory that an Inflater keeps for the next record.
const keepInflated = 1 << 20

// Inflater decompresses the data of records, one after the other.
type Inflater struct {
	in  bytes.Reader
	zip io.ReadCloser
	out []byte
}

var inflaters = sync.Pool{New: func() any { return &Inflater{} }}

// NewInflater takes one that Free has given back, if there is one.
func NewInflater() *Inflater { return inflaters.Get().(*Inflater) }

// Free gives it back. What it has decompressed is not to be used any more.
func (f *Inflater) Free() {
	f.in.Reset(nil)
	if cap(f.out) > keepInflated {
		f.out = nil
	}
	inflaters.Put(f)
}

// Inflate decompresses zlib data, as long as they are. What it returns holds until
// the next call. It allocates in proportion to what comes out, and no more than
// twice MaxInflated.
func (f *Inflater) Inflate(data []byte) ([]byte, error) {
	f.in.Reset(data)
	if err := f.reset(); err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	f.out = f.out[:0]
	for {
		if len(f.out) == cap(f.out) {
			f.out = append(f.out, make([]byte, max(1<<10, len(f.out)))...)[:len(f.out)]
		}
		n, err := f.zip.Read(f.out[len(f.out):cap(f.out)])
		f.out = f.out[:len(f.out)+n]
		switch {
		case len(f.out) > MaxInflated:
			return nil, fmt.Errorf("decompress: %d bytes become more than %d", len(data), MaxInflated)
		case err == io.EOF && f.in.Len() > 0:
			return nil, fmt.Errorf("decompress: %d bytes follow the compressed data", f.in.Len())
		case err == io.EOF:
			return f.out, nil
		case err != nil:
			return nil, fmt.Errorf("decompress: %w", err)
		}
	}
}

func (f *Inflater) reset() (err error) {
	if f.zip == nil {
		f.zip, err = zlib.NewReader(&f.in)
		return err
	}
	return f.zip.(zlib.Resetter).Reset(&f.in, nil)
}
