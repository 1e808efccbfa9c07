package cluster

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// NewRegistry makes the client of a registry that a configuration describes.
// With an HTTP client, its transport carries the requests; nil is a transport
// made of the TLS settings.
func NewRegistry(r config.Registry, client *http.Client) (*registry.Client, error) {
	password, err := config.Password(r.Password, r.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	o := registry.Options{URL: r.URL, Context: r.Context, Username: r.Username, Password: password, Token: r.Token, Timeout: r.Timeout}
	if client != nil {
		o.Transport = client.Transport
	}
	if r.TLS.Enabled || strings.Contains(r.URL, "https:") {
		if o.TLS, err = r.TLS.Client(); err != nil {
			return nil, fmt.Errorf("schema registry: tls: %w", err)
		}
	}
	return registry.New(o)
}
