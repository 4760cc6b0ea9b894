package powertest

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// sector is what a disk writes wholly or not at all.
const sector = 512

// Replay is a disk's past, run again: what is durable at one moment, and what was written and not synced then.
type Replay struct {
	disk   *Disk
	moment int
	files  map[int]*content
}

// content is a file's bytes or a folder's entries. What was done since is in pending: synced or not, in order, as a
// write that was lost may stand before one that was not.
type content struct {
	folder  bool
	mode    os.FileMode
	data    []byte
	entries map[string]int
	pending []change
}

type change struct {
	event
	synced   bool
	doubtful bool // a sync failed since, so that no later one makes it durable
}

// Replay begins with the empty disk.
func (d *Disk) Replay() *Replay {
	return &Replay{disk: d, files: map[int]*content{root: {folder: true, mode: 0o700, entries: map[string]int{}}}}
}

// Advance goes on to a later moment.
func (p *Replay) Advance(moment int) {
	p.disk.mu.Lock()
	log := p.disk.log[p.moment:moment]
	p.disk.mu.Unlock()
	p.moment = moment
	for _, e := range log {
		c := p.files[e.file]
		if e.Kind == Open {
			continue
		}
		if e.Kind != Sync {
			for _, id := range e.entries {
				if id != 0 && p.files[id] == nil {
					p.files[id] = &content{folder: e.folder, mode: os.FileMode(e.mode & 0o777), entries: map[string]int{}}
				}
			}
			c.pending = append(c.pending, change{event: e})
			continue
		}
		for i := range c.pending {
			if w := &c.pending[i]; e.Failed {
				w.doubtful = !w.synced
			} else {
				w.synced = !w.doubtful
			}
		}
		for len(c.pending) > 0 && c.pending[0].synced {
			c.data = apply(c.data, c.entries, c.pending[0].event, nil)
			c.pending = c.pending[1:]
		}
	}
}

// apply does one change to data and entries. Of a write each sector is asked for, where keep says which are written.
func apply(data []byte, entries map[string]int, e event, keep func() bool) []byte {
	switch e.Kind {
	case Truncate:
		return sized(data, e.size)
	case Entry:
		for name, id := range e.entries {
			if id == 0 {
				delete(entries, name)
			} else {
				entries[name] = id
			}
		}
		return data
	}
	end := e.Off + int64(len(e.data))
	for at := e.Off; at < end; {
		next := min((at/sector+1)*sector, end)
		if keep == nil || keep() {
			if next > int64(len(data)) {
				data = sized(data, next)
			}
			copy(data[at:next], e.data[at-e.Off:])
		}
		at = next
	}
	return data
}

// A manner is what happens to the writes that were not synced.
const (
	allLost = iota
	someLost
	torn
	inOrder // all up to one, which is torn
	oneLost
	manners
)

// Cut makes the folder as it may be found after the power was cut: what was synced, and of the rest what chance
// leaves, whole writes, sectors of them, or the ends of files without what was written there. A nil r loses all of
// the rest. It tells how many writes were not synced.
func (p *Replay) Cut(folder string, r *rand.Rand) (unsynced int, err error) {
	var open []int
	for _, c := range p.files {
		for _, w := range c.pending {
			if !w.synced {
				open = append(open, w.At)
			}
		}
	}
	slices.Sort(open)
	l := loss{Rand: r}
	if r != nil && len(open) > 0 {
		l.manner, l.chosen = r.IntN(manners), open[r.IntN(len(open))]
	}
	return len(open), p.put(folder, root, l)
}

// loss is what one cut does.
type loss struct {
	*rand.Rand
	manner int
	chosen int // the write that it does it to
}

func (l loss) coin() bool { return l.IntN(2) == 0 }

// fate says whether a write is there, and which sectors of it; nil: all.
func (l loss) fate(at int) (there bool, keep func() bool) {
	switch l.manner {
	case someLost:
		return l.coin(), nil
	case torn:
		if l.IntN(4) == 0 {
			return true, func() bool { return false }
		}
		return l.coin(), l.coin
	case inOrder:
		if at == l.chosen {
			return true, l.coin
		}
		return at < l.chosen, nil
	case oneLost:
		return at != l.chosen, nil
	}
	return false, nil
}

// put writes a file, or a folder and all below it, as the loss leaves it.
func (p *Replay) put(name string, id int, l loss) error {
	c := p.files[id]
	data, entries := slices.Clone(c.data), maps.Clone(c.entries)
	for _, w := range c.pending {
		there, keep := true, (func() bool)(nil)
		if !w.synced {
			there, keep = l.fate(w.At)
		}
		if !there {
			continue
		}
		// A file may have its new size and not yet what was written there.
		if end := w.Off + int64(len(w.data)); keep != nil && end > int64(len(data)) && l.coin() {
			data = sized(data, end)
		}
		data = apply(data, entries, w.event, keep)
	}
	if !c.folder {
		return os.WriteFile(name, data, c.mode)
	}
	if err := os.MkdirAll(name, 0o700); err != nil {
		return err
	}
	for _, child := range slices.Sorted(maps.Keys(entries)) { // so that a seed makes the same folder
		if err := p.put(filepath.Join(name, child), entries[child], l); err != nil {
			return err
		}
	}
	return nil
}
