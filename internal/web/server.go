// Package web shows what a worker is doing: a status page, the same as JSON,
// Prometheus metrics, and probes. Each answer is a view of one status.Status;
// nothing can be changed through it.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// Off as the address means that there is no server.
const Off = "off"

// Options of a Server.
type Options struct {
	// Listen is host:port; port 0 takes a free one. "off": no server.
	Listen string
	// Hosts are further names by which clients may ask for this server, beside
	// localhost, the host of Listen and the address that the connection
	// arrived at. They have no port.
	Hosts []string
	// Status is called for each request, from any goroutine.
	Status func() status.Status
	Logger *slog.Logger // nil: slog.Default
	// Collectors and Gatherers are shown at /metrics too.
	Collectors []prometheus.Collector
	Gatherers  []prometheus.Gatherer
}

// Server serves the views. Make one with New.
type Server struct {
	options Options
	logger  *slog.Logger
	bound   chan struct{} // closed when addr is known, or will never be
	addr    string
}

// New makes a server, which does nothing before Run.
func New(o Options) *Server {
	s := &Server{options: o, logger: o.Logger, bound: make(chan struct{})}
	if s.logger == nil {
		s.logger = slog.Default()
	}
	return s
}

// Bounds of a request. A status page has no large or slow requests, and
// whoever sends one holds a connection for no longer than this.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second // 1,000 topics over a slow line
	idleTimeout    = time.Minute
	maxHeaderBytes = 16 << 10
	closeTimeout   = 2 * time.Second
)

// Run serves until ctx ends, then returns nil. An error means that the address
// could not be had, or the collectors contradict each other. Run is for one call.
func (s *Server) Run(ctx context.Context) error {
	if s.options.Listen == Off {
		close(s.bound)
		<-ctx.Done()
		return nil
	}
	handler, listener, err := s.start(ctx)
	close(s.bound)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("status server at %s: %w", s.addr, err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if server.Shutdown(patience) != nil {
		server.Close() // a client that does not finish is cut off
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("status server at %s: %w", s.addr, err)
	}
	return nil
}

func (s *Server) start(ctx context.Context) (http.Handler, net.Listener, error) {
	handler, err := s.handler()
	if err != nil {
		return nil, nil, err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", s.options.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("status server: %w", err)
	}
	s.addr = listener.Addr().String()
	s.logger.Info("status page", "url", "http://"+s.addr+"/")
	if !loopback(listener.Addr()) {
		s.logger.Warn("the status page can be read from other machines, without a password", "address", s.addr)
	}
	return handler, listener, nil
}

// Addr is the address that Run listens at; it waits for Run to find it. It is
// empty if there is none.
func (s *Server) Addr() string {
	<-s.bound
	return s.addr
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// handler has all pages, behind the guard.
func (s *Server) handler() (http.Handler, error) {
	metrics, err := s.metrics()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", s.page)
	mux.HandleFunc("/style.css", style)
	mux.HandleFunc("/api/status", s.status)
	mux.HandleFunc("/healthz", s.health)
	mux.HandleFunc("/readyz", s.ready)
	mux.Handle("/metrics", metrics)
	return newGuard(s.options.Listen, s.options.Hosts, mux), nil
}
