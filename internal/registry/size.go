package registry

import (
	"errors"
	"fmt"
	"net/http"
)

// UsualRecord is how many bytes a record may have in a Kafka whose limits
// nobody has raised (max.message.bytes of a topic, max.request.size of a
// producer). Registries that keep their schemas in a topic cannot take a larger
// one; Confluent's and Karapace then answer 500, as they do when Kafka is away.
const UsualRecord = 1 << 20

// near is how full such a record may be before one has to expect that the next
// field is too much.
const near = UsualRecord * 8 / 10

// StoredSize is about how many bytes such a registry writes for a schema: its
// text as a string in JSON, with what belongs to it.
func StoredSize(subject, text string) int {
	size := 400 + 2*len(subject) + len(text) // ids, versions and hashes
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			size++
		case c < ' ':
			size += 5
		}
	}
	return size
}

// SizeWarning says that a schema may be too large for a registry, and what can
// be done; it is empty if the schema is not. What the registry answers to Check
// does not tell: it is asked for the first time when it has to keep the schema.
func SizeWarning(subject, text string) string {
	size := StoredSize(subject, text)
	const ways = "use fewer operations, exclude fields (fields.exclude), or raise the registry's limit" +
		" (max.message.bytes of its topic _schemas, and the largest request of its producer)"
	switch {
	case size > UsualRecord:
		return fmt.Sprintf("the schema takes %d bytes in the registry; one that keeps schemas in Kafka takes at most %d, unless its limit was raised: %s", size, UsualRecord, ways)
	case size > near:
		return fmt.Sprintf("the schema takes %d bytes in the registry, near the %d that one that keeps schemas in Kafka takes, unless its limit was raised; should it grow beyond: %s", size, UsualRecord, ways)
	}
	return ""
}

// tooLarge adds what is likely the matter to the refusal of a large schema. A
// 500 is then an answer and not trouble: it comes as often as one asks.
func tooLarge(subject, text string, err error) error {
	var e *Error
	if StoredSize(subject, text) <= UsualRecord || !errors.As(err, &e) {
		return err
	}
	if e.Status == http.StatusInternalServerError && e.kind == nil {
		e.kind = ErrIncompatible
	}
	return fmt.Errorf("%w; %s", err, SizeWarning(subject, text))
}
