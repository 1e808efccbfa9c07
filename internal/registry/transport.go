package registry

import (
	"errors"
	"fmt"
	"io"
	"net/http"
)

// httpClient bounds the total time and size of each reply and follows no
// redirect to another host, which would get our credentials or could point
// into the network that we are in.
func (c *Client) httpClient(o Options) *http.Client {
	next := o.Transport
	if next == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = o.TLS
		t.MaxResponseHeaderBytes = 64 << 10
		next = t
	}
	return &http.Client{Timeout: c.timeout, Transport: timed{bounded{next}, &c.clock}, CheckRedirect: sameHost}
}

func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Host != first.Host || req.URL.Scheme != first.Scheme {
		return fmt.Errorf("redirect to another host (%s) is not followed", req.URL.Host)
	}
	if len(via) > 3 {
		return errors.New("more than 3 redirects")
	}
	return nil
}

// bounded is a transport whose replies end with an error after MaxReply bytes.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: MaxReply}
	return resp, nil
}

var errTooLong = fmt.Errorf("reply of more than %d bytes", MaxReply)

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		// It may have ended exactly here.
		var one [1]byte
		if n, err := b.ReadCloser.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
