package registry

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"golang.org/x/sync/singleflight"
)

// Limits of what is accepted from a registry, and sent to it. They are above
// those of registries (UsualRecord) as far as people raise them.
const (
	MaxReply = 32 << 20 // bytes of a reply, decompressed
	MaxText  = 16 << 20 // bytes of a schema, with all that it refers to
	maxRefs  = 256      // schemas that one schema refers to, directly or not
)

// DefaultTimeout is the total time of a call when Options.Timeout is 0.
const DefaultTimeout = 10 * time.Second

// Options of a Client.
type Options struct {
	URL      string // http or https; a user and password in it serve as Username and Password
	Username string // basic authentication
	Password string
	Token    string      // bearer token, instead of Username
	TLS      *tls.Config // nil: the system's defaults
	Timeout  time.Duration

	// Transport carries the requests; nil is a transport of its own made with TLS.
	Transport http.RoundTripper
	// NotFoundTTL is how long an unknown or unusable schema id is not asked
	// for again; 0 is 30 s.
	NotFoundTTL time.Duration
	// Now is the clock of NotFoundTTL; nil is time.Now.
	Now func() time.Time
}

// Client talks to one registry. It is safe for concurrent use.
type Client struct {
	sr      *sr.Client
	timeout time.Duration
	secrets []string
	ttl     time.Duration
	now     func() time.Time
	flights singleflight.Group

	mu      sync.RWMutex
	schemas map[int]*Schema
	refused map[int]refusal
}

// refusal is a negative result.
type refusal struct {
	err   error
	asked time.Time // when the request was sent, or later
	until time.Time
}

// New makes a client. Nothing is sent yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "http" && u.Scheme != "https") {
		// The address may hold a password, so it is not quoted.
		return nil, errors.New("schema registry: url must be like http://host:8081")
	}
	if u.User != nil {
		if o.Username == "" {
			o.Username = u.User.Username()
			o.Password, _ = u.User.Password()
		}
		u.User = nil
	}
	if o.Username != "" && o.Token != "" {
		return nil, errors.New("schema registry: a user name and a token exclude each other")
	}
	c := &Client{
		timeout: o.Timeout, ttl: o.NotFoundTTL, now: o.Now,
		schemas: map[int]*Schema{}, refused: map[int]refusal{},
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.ttl <= 0 {
		c.ttl = 30 * time.Second
	}
	if c.now == nil {
		c.now = time.Now
	}
	opts := []sr.ClientOpt{sr.URLs(strings.TrimSuffix(u.String(), "/")), sr.UserAgent("kafka-aggregator"), sr.HTTPClient(c.httpClient(o))}
	if o.Username != "" {
		opts = append(opts, sr.BasicAuth(o.Username, o.Password))
		c.hide(o.Password, base64.StdEncoding.EncodeToString([]byte(o.Username+":"+o.Password)))
	}
	if o.Token != "" {
		opts = append(opts, sr.BearerToken(o.Token))
		c.hide(o.Token)
	}
	if c.sr, err = sr.NewClient(opts...); err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	return c, nil
}

func (c *Client) hide(secrets ...string) {
	for _, s := range secrets {
		if s != "" {
			c.secrets = append(c.secrets, s)
		}
	}
}
