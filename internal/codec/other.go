package codec

// Branch is a branch of a union that is no sample, and not null: its values count
// as null, and how many there are is counted by branch.
type Branch struct{ Path, Type string }

// maxOthers is how many such branches of a schema are counted apart.
const maxOthers = 1000

// other emits the code that counts a value of a branch.
func (c *compiler) other(p *program, t *typ, path string) {
	if t.kind == kindNull || len(c.d.others) >= maxOthers {
		return
	}
	if path == "" {
		path = valueName
	}
	c.d.others = append(c.d.others, &Branch{path, t.String()})
	p.emit(instr{op: opOther, n: int32(len(c.d.others) - 1)}, origin{path: path})
}

// Others is how many values of the record that was read last were such branches.
func (d *Decoder) Others() int { return len(d.noted) }

// CountOthers counts them by branch. The branches are the same for all clones of a
// decoder.
func (d *Decoder) CountOthers(counts map[*Branch]int64) {
	for _, i := range d.noted {
		counts[d.others[i]]++
	}
}
