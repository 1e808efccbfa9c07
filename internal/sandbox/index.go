package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/sr"
)

// index knows which schemas are registered. srfake finds out by comparing a new
// one with each that it has, parsing both, which makes the five hundredth of a
// hundred fields take a third of a second.
//
// What is written to srfake directly, as tests do, is found when a schema is
// registered the next time, if its id is the next one that is free. One with an id
// of a test's choosing is not; the same text may then be registered with another.
type index struct {
	ids      map[print]int            // of all schemas
	versions map[string]map[print]int // by subject; may be deleted since
	next     int                      // ids below are in ids
}

// print tells schemas apart, whatever the order of members and the white space.
type print [sha256.Size]byte

func newIndex() *index {
	return &index{ids: make(map[print]int), versions: make(map[string]map[print]int), next: 1}
}

func printOf(s sr.Schema) print {
	text := []byte(s.Schema)
	var value any
	if json.Unmarshal(text, &value) == nil {
		if same, err := json.Marshal(value); err == nil {
			text = same
		}
	}
	refs := slices.SortedFunc(slices.Values(s.References), func(a, b sr.SchemaReference) int { return cmp.Compare(a.Name, b.Name) })
	all, err := json.Marshal(struct {
		Type       sr.SchemaType
		References []sr.SchemaReference
	}{s.Type, refs})
	if err != nil {
		panic("BUG: sandbox: references without JSON: " + err.Error())
	}
	return sha256.Sum256(append(append(text, 0), all...))
}

// add registers a legal Avro schema, if that can be done without comparing it with
// all others. It is called with r.mu held.
func (r *Registry) add(subject string, c candidate) (id int, done bool) {
	x := r.index
	for ; ; x.next++ { // those that came without us
		var there sr.Schema
		if r.ask("/schemas/ids/"+strconv.Itoa(x.next), &there) != nil {
			break
		}
		if p := printOf(there); x.ids[p] == 0 {
			x.ids[p] = x.next
		}
	}
	version := r.nextVersion(subject)
	id, known := x.ids[c.print]
	if known {
		version, ok := x.versions[subject][c.print]
		there, still := r.Schemas.GetSchema(subject, version)
		return id, ok && still && there.ID == id
	}
	if !r.seed(subject, version, x.next, c.Schema) {
		return 0, false
	}
	id = x.next
	x.next++
	x.ids[c.print] = id
	r.note(subject, c.print, version)
	return id, true
}

// note keeps under which version of a subject a schema is.
func (r *Registry) note(subject string, p print, version int) {
	if r.index.versions[subject] == nil {
		r.index.versions[subject] = make(map[print]int)
	}
	r.index.versions[subject][p] = version
}

// nextVersion is the number that the next version of a subject gets. One that was
// deleted softly is registered again as if it were new, as the registries do that
// are not fake.
func (r *Registry) nextVersion(subject string) int {
	path := "/subjects/" + url.PathEscape(subject)
	var numbers []int
	if err := r.ask(path+"/versions?deleted=true", &numbers); err != nil || len(numbers) == 0 {
		return 1
	}
	if !r.Schemas.SubjectExists(subject) {
		r.Schemas.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodDelete, path+"?permanent=true", nil))
	}
	return slices.Max(numbers) + 1
}

// seed puts a schema into srfake, which panics at what it does not like.
func (r *Registry) seed(subject string, version, id int, s sr.Schema) (done bool) {
	defer func() {
		if recover() != nil {
			done = false
		}
	}()
	r.Schemas.SeedSchema(subject, version, id, s)
	return true
}

// passes reports whether srfake's interceptors leave a request alone; if not, they
// have answered it. Their turn comes before the routes; and a request for "*" is one
// that no route takes, which http.ServeMux answers without a look at anything else.
func (r *Registry) passes(w http.ResponseWriter, req *http.Request) bool {
	req = req.Clone(req.Context())
	req.RequestURI = "*"
	g := &gate{ResponseWriter: w}
	r.Schemas.Handler().ServeHTTP(g, req)
	return g.passed
}

// gate holds back the answer of http.ServeMux to a request for "*".
type gate struct {
	http.ResponseWriter
	wrote, passed bool
}

// WriteHeader is of http.ResponseWriter.
func (g *gate) WriteHeader(status int) {
	if !g.wrote && status == http.StatusBadRequest && g.Header().Get("Connection") == "close" {
		g.Header().Del("Connection")
		g.passed = true
		return
	}
	g.wrote = true
	g.ResponseWriter.WriteHeader(status)
}

// Write is of http.ResponseWriter.
func (g *gate) Write(b []byte) (int, error) { g.wrote = true; return g.ResponseWriter.Write(b) }

// Unwrap is for http.ResponseController.
func (g *gate) Unwrap() http.ResponseWriter { return g.ResponseWriter }
