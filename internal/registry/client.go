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
	"sync/atomic"
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
	// URL is http or https; a user and password in it serve as Username and
	// Password. Several, separated by commas, are addresses of the same registry:
	// the one that answered last is asked, and the others when there is trouble.
	URL      string
	Context  string // where the subjects are, such as ".staging"; empty: the default context
	Username string // basic authentication
	Password string
	Token    string      // bearer token, instead of Username
	TLS      *tls.Config // nil: the system's defaults
	Timeout  time.Duration

	// Transport carries the requests; nil is a transport of its own made with TLS.
	Transport http.RoundTripper
	// NotFoundTTL is how long an unknown or unusable schema id or GUID is not
	// asked for again; 0 is 30 s.
	NotFoundTTL time.Duration
	// Now is the clock of NotFoundTTL; nil is time.Now.
	Now func() time.Time
}

// Client talks to one registry, in one context; so an id is one schema. It is safe for concurrent use.
type Client struct {
	endpoints []*endpoint
	current   atomic.Int32 // index of the endpoint that answered last
	context   string       // before a subject's name: ":.staging:"
	timeout   time.Duration
	secrets   []string
	ttl       time.Duration
	now       func() time.Time
	flights   singleflight.Group
	clock     remoteClock

	mu      sync.RWMutex
	schemas map[name]*Schema
	refused map[name]refusal
	entries map[reference]*version
	lists   map[string]Listing
	newests map[string]newestVersion
}

// refusal is a negative result.
type refusal struct {
	err   error
	asked time.Time // when the request was sent, or later
	until time.Time
}

// New makes a client. Nothing is sent yet.
func New(o Options) (*Client, error) {
	addresses, user, err := parseURLs(o.URL)
	if err != nil {
		return nil, err
	}
	if user != nil && o.Username == "" {
		o.Username = user.Username()
		o.Password, _ = user.Password()
	}
	if o.Username != "" && o.Token != "" {
		return nil, errors.New("schema registry: a user name and a token exclude each other")
	}
	c := &Client{
		timeout: o.Timeout, ttl: o.NotFoundTTL, now: o.Now,
		schemas: map[name]*Schema{}, refused: map[name]refusal{},
		entries: map[reference]*version{}, lists: map[string]Listing{}, newests: map[string]newestVersion{},
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
	opts := []sr.ClientOpt{sr.UserAgent("kafka-aggregator"), sr.HTTPClient(c.httpClient(o))}
	if o.Username != "" {
		opts = append(opts, sr.BasicAuth(o.Username, o.Password))
		c.hide(o.Password, base64.StdEncoding.EncodeToString([]byte(o.Username+":"+o.Password)))
	}
	if o.Token != "" {
		opts = append(opts, sr.BearerToken(o.Token))
		c.hide(o.Token)
	}
	if o.Context != "" && o.Context != "." {
		c.context = ":" + o.Context + ":"
	}
	for _, u := range addresses {
		s, err := sr.NewClient(append(opts[:len(opts):len(opts)], sr.URLs(u))...)
		if err != nil {
			return nil, fmt.Errorf("schema registry: %w", err)
		}
		c.endpoints = append(c.endpoints, &endpoint{sr: s, url: u})
	}
	return c, nil
}

// parseURLs takes the addresses of a list apart. They may hold a password, so
// they are not quoted.
func parseURLs(list string) (addresses []string, user *url.Userinfo, err error) {
	all := strings.Split(list, ",")
	for _, text := range all {
		u, err := url.Parse(strings.TrimSpace(text))
		switch {
		case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https":
			return nil, nil, errors.New("schema registry: url must be like http://host:8081")
		case u.User != nil && len(all) > 1:
			// It is one host's, and must not be sent to the others.
			return nil, nil, errors.New("schema registry: one of several urls holds a user name; write it beside them")
		}
		user, u.User = u.User, nil
		addresses = append(addresses, strings.TrimSuffix(u.String(), "/"))
	}
	return addresses, user, nil
}

func (c *Client) hide(secrets ...string) {
	for _, s := range secrets {
		if s != "" {
			c.secrets = append(c.secrets, s)
		}
	}
}
