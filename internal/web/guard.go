package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard lets only harmless requests through. The server has no passwords, so
// what it must not do is to answer a web page of someone else that runs in the
// browser of someone who can reach it: such a page can make its own name point
// here (DNS rebinding), but then that name stands in the Host header.
type guard struct {
	hosts map[string]bool
	next  http.Handler
}

func newGuard(listen string, hosts []string, next http.Handler) *guard {
	g := &guard{hosts: map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}, next: next}
	g.hosts[hostname(listen)] = true
	for _, h := range hosts {
		g.hosts[hostname(h)] = true
	}
	delete(g.hosts, "") // a listen address like ":8080"
	return g
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	switch {
	case !g.known(r):
		http.Error(w, "this server does not go by the name in the Host header", http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
	default:
		g.next.ServeHTTP(w, r)
	}
}

// known is true if the Host header has one of our names, or the very address
// that the connection arrived at: probes and scrapers of Kubernetes ask by
// address, and an address cannot be rebound.
func (g *guard) known(r *http.Request) bool {
	host := hostname(r.Host)
	if g.hosts[host] {
		return true
	}
	asked, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	here, err := netip.ParseAddrPort(local.String())
	return err == nil && here.Addr().Unmap() == asked.Unmap()
}

// hostname is the host of host or host:port, in lower case and without the
// brackets of IPv6.
func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
