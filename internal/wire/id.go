package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"
)

// ID is a record's _id, in the layout of a MongoDB ObjectId: 4 bytes creation
// second, 5 bytes that differ between processes, 3 bytes counter. Its text is
// 24 lowercase hex digits and its byte order is the order of creation.
type ID [12]byte

// ParseID reads 24 hex digits of either case.
func ParseID(s string) (ID, bool) {
	var id ID
	if len(s) != 2*len(id) {
		return ID{}, false
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, false
	}
	return id, true
}

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText makes an ID a JSON string.
func (id ID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// Value is an ID's 12 bytes, for a database.
func (id ID) Value() (driver.Value, error) { return id[:], nil }

// Scan reads an ID from its 12 bytes in a database.
func (id *ID) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != len(id) {
		return fmt.Errorf("an id is %d bytes, not %T", len(id), src)
	}
	copy(id[:], b)
	return nil
}

// IDs makes ids that never decrease within a process, whatever the clock does:
// when the counter wraps or the clock steps back, the second is carried forward.
type IDs struct {
	now     func() time.Time
	process [5]byte
	state   atomic.Uint64 // second << 24 | counter
}

const counterBits = 24

// NewIDs returns a maker of ids with a process part of its own.
func NewIDs(now func() time.Time) *IDs {
	g := &IDs{now: now}
	var seed [4]byte
	rand.Read(g.process[:])
	rand.Read(seed[:])
	g.state.Store(uint64(binary.BigEndian.Uint32(seed[:]) >> 8))
	return g
}

// NewSeededIDs returns a maker of ids that a seed determines, with the time. Two of
// one seed make the same ids: it is for a book that is filled the same way each time.
func NewSeededIDs(seed uint64, now func() time.Time) *IDs {
	var text [8]byte
	binary.BigEndian.PutUint64(text[:], seed)
	sum := sha256.Sum256(text[:])
	return &IDs{now: now, process: [5]byte(sum[:5])}
}

// New returns the next id.
func (g *IDs) New() ID {
	second := uint64(uint32(g.now().Unix()))
	for {
		last := g.state.Load()
		next := last + 1 // a full counter carries into the second by itself
		if second > next>>counterBits {
			next = second<<counterBits | next&(1<<counterBits-1)
		}
		if !g.state.CompareAndSwap(last, next) {
			continue
		}
		var id ID
		binary.BigEndian.PutUint32(id[:4], uint32(next>>counterBits))
		copy(id[4:9], g.process[:])
		id[9], id[10], id[11] = byte(next>>16), byte(next>>8), byte(next)
		return id
	}
}

// Turn lets the next ids begin at the clock again, where that was set back on
// purpose. The counter goes on, so ids stay unique.
func (g *IDs) Turn() { g.state.And(1<<counterBits - 1) }
