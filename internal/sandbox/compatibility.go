package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

var (
	errIllegalSchema = errors.New("illegal schema")
	errNoVersion     = errors.New("no such version")
)

// candidate is a schema that a request brings.
type candidate struct {
	sr.Schema
	avro  *avro.Schema // nil: it is not Avro
	print print        // of Avro
}

// read takes the body of a request apart, which is most of the work for it.
func (r *Registry) read(body []byte) (c candidate, err error) {
	if err := json.Unmarshal(body, &c.Schema); err != nil {
		return c, fmt.Errorf("%w: %w", errIllegalSchema, err)
	}
	if c.Type != sr.TypeAvro {
		return c, nil
	}
	if c.avro, err = r.parse(c.Schema); err != nil {
		return c, fmt.Errorf("%w: %w", errIllegalSchema, err)
	}
	c.print = printOf(c.Schema)
	return c, nil
}

// judge compares a schema with the versions of a subject: with the one given
// ("latest" or a number), or, if version is empty, with those that the subject's
// compatibility level names. It returns what is incompatible; nothing means
// compatible. Schemas other than Avro pass.
func (r *Registry) judge(subject, version string, c candidate) ([]string, error) {
	if c.avro == nil {
		return nil, nil
	}
	backward, forward, all, err := r.level(subject)
	if err != nil || !backward && !forward {
		return nil, err
	}
	numbers, err := r.versions(subject)
	if err != nil {
		return nil, err
	}
	switch {
	case version != "" && version != "latest":
		n, err := strconv.Atoi(version)
		if err != nil {
			return nil, fmt.Errorf("%w: %q", errNoVersion, version)
		}
		numbers = []int{n}
	case len(numbers) > 0 && (!all || version == "latest"):
		numbers = numbers[len(numbers)-1:]
	}
	var verdict []string
	for _, n := range numbers {
		stored, ok := r.Schemas.GetSchema(subject, n)
		if !ok {
			return nil, fmt.Errorf("%w: %s version %d", errNoVersion, subject, n)
		}
		earlier, err := r.parse(stored.Schema)
		if err != nil {
			return nil, fmt.Errorf("parse version %d: %w", n, err)
		}
		if backward {
			if err := avro.CheckCompatibility(earlier, c.avro); err != nil {
				verdict = append(verdict, fmt.Sprintf("reading data of version %d with the new schema: %v", n, err))
			}
		}
		if forward {
			if err := avro.CheckCompatibility(c.avro, earlier); err != nil {
				verdict = append(verdict, fmt.Sprintf("reading new data with the schema of version %d: %v", n, err))
			}
		}
	}
	return verdict, nil
}

// parse compiles a schema together with the schemas it refers to.
func (r *Registry) parse(s sr.Schema) (*avro.Schema, error) {
	var known avro.SchemaCache
	if err := r.parseReferences(&known, s.References, 0); err != nil {
		return nil, err
	}
	return known.Parse(s.Schema)
}

func (r *Registry) parseReferences(known *avro.SchemaCache, refs []sr.SchemaReference, depth int) error {
	if depth > 20 {
		return errors.New("references nest more than 20 deep")
	}
	for _, ref := range refs {
		stored, ok := r.Schemas.GetSchema(ref.Subject, ref.Version)
		if !ok {
			return fmt.Errorf("reference %q: %s has no version %d", ref.Name, ref.Subject, ref.Version)
		}
		if err := r.parseReferences(known, stored.References, depth+1); err != nil {
			return err
		}
		if _, err := known.Parse(stored.Schema.Schema); err != nil {
			return fmt.Errorf("reference %q: %w", ref.Name, err)
		}
	}
	return nil
}

// level says which directions of reading the subject promises, and whether
// towards all its versions or the newest only.
func (r *Registry) level(subject string) (backward, forward, all bool, err error) {
	var config struct {
		Level string `json:"compatibilityLevel"`
	}
	if err := r.ask("/config/"+url.PathEscape(subject)+"?defaultToGlobal=true", &config); err != nil {
		return false, false, false, err
	}
	switch config.Level {
	case "BACKWARD":
		return true, false, false, nil
	case "BACKWARD_TRANSITIVE":
		return true, false, true, nil
	case "FORWARD":
		return false, true, false, nil
	case "FORWARD_TRANSITIVE":
		return false, true, true, nil
	case "FULL":
		return true, true, false, nil
	case "FULL_TRANSITIVE":
		return true, true, true, nil
	}
	return false, false, false, nil // NONE
}

// versions lists a subject's versions, oldest first; none for an unknown subject.
func (r *Registry) versions(subject string) ([]int, error) {
	if !r.Schemas.SubjectExists(subject) {
		return nil, nil
	}
	var numbers []int
	err := r.ask("/subjects/"+url.PathEscape(subject)+"/versions", &numbers)
	if errors.Is(err, errNoVersion) { // deleted softly, or a level was set before the first version
		return nil, nil
	}
	return numbers, err
}

// ask gets a document from srfake without the way over the network.
func (r *Registry) ask(path string, into any) error {
	w := httptest.NewRecorder()
	r.Schemas.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code == http.StatusNotFound {
		return fmt.Errorf("%w: GET %s", errNoVersion, path)
	}
	if w.Code != http.StatusOK {
		return fmt.Errorf("GET %s: status %d", path, w.Code)
	}
	return json.Unmarshal(w.Body.Bytes(), into)
}
