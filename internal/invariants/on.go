//go:build invariants

package invariants

// Enabled says whether the dear checks are compiled in.
const Enabled = true
