package assignment

// Outdated is how long assignments have not fitted the topics that there are.
type Outdated struct {
	looks, asked int
}

// Look counts one more look at the topics, and says whether to ask for a new
// assignment: after 2 looks that do not fit, then after 4, 8, …, since members
// whose configurations select different topics never agree.
func (o *Outdated) Look(fits bool) bool {
	if fits {
		*o = Outdated{}
		return false
	}
	if o.looks++; o.looks < 2<<min(o.asked, 16) {
		return false
	}
	o.looks = 0
	o.asked++
	return true
}

// Asked is how many assignments were asked for, one after the other.
func (o *Outdated) Asked() int { return o.asked }
