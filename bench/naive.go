package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"strconv"
	"time"

	"contactbook/internal/wire"
)

const nameNaive = "naive"

const naiveCommand = "naive"

// runNaive is what one would write first: net/http, encoding/json, database/sql,
// and a transaction of its own for each contact. It has the tables of
// contactbook and its durability. In its favour it checks no secret, no field
// and no limit.
func runNaive(args []string) error {
	flags := flag.NewFlagSet(naiveCommand, flag.ContinueOnError)
	file := flags.String("file", "", "SQLite file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", *file+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"+
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=wal_autocheckpoint(2000)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	s := &naive{db: db, ids: wire.NewIDs(time.Now), users: map[string]int64{}}
	if err := s.prepare(); err != nil {
		return err
	}
	return listen(s)
}

type naive struct {
	db     *sql.DB
	ids    *wire.IDs
	users  map[string]int64 // by client id
	hasTag *sql.Stmt
	add    *sql.Stmt
}

func (s *naive) prepare() (err error) {
	rows, err := s.db.Query("select client_id, user_id from client")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var user int64
		if err := rows.Scan(&id, &user); err != nil {
			return err
		}
		s.users[id] = user
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if s.hasTag, err = s.db.Prepare("select 1 from tag where tenant_id = $1 and id = $2"); err != nil {
		return err
	}
	s.add, err = s.db.Prepare("insert into contact (tenant_id, id, name, email, mobile, calling_code, company_name, tag_ids, created, updated)" +
		" values ($1, $2, $3, $4, $5, '91', $6, $7, $8, $8)")
	return err
}

// contactIn and contactOut are the bodies of Add Contact.
type contactIn struct {
	Name       string `json:"name"`
	Email      string `json:"email"`
	Mobile     string `json:"mobile"`
	Company    string `json:"companyName"`
	TagDetails []struct {
		ID string `json:"tagId"`
	} `json:"tagDetails"`
}

type contactOut struct {
	UserID      int64       `json:"userId"`
	Name        string      `json:"name"`
	Email       string      `json:"email"`
	Mobile      string      `json:"mobile"`
	CallingCode string      `json:"callingCode"`
	Company     string      `json:"companyName"`
	Updated     wire.Millis `json:"updated_at"`
	Created     wire.Millis `json:"created_at"`
	ID          wire.ID     `json:"_id"`
	TagIDs      []wire.ID   `json:"tagId"`
}

func (s *naive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	out, err := s.addContact(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var buf bytes.Buffer
	err = wire.Encode(&buf, wire.Envelope{
		Code: wire.TXN, Status: "Contact Added Successfully", Data: out, Timestamp: wire.Timestamp(time.Now()),
		Reference: wire.Reference(0, start), Environment: wire.Live,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	w.Write(buf.Bytes())
}

func (s *naive) addContact(r *http.Request) (*contactOut, error) {
	user, ok := s.users[r.Header.Get("X-Ipay-Client-Id")]
	if !ok {
		return nil, errors.New("unknown client")
	}
	var in contactIn
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	now := wire.Millis(time.Now().UnixMilli())
	out := &contactOut{user, in.Name, in.Email, in.Mobile, "91", in.Company, now, now, s.ids.New(), nil}
	tx, err := s.db.BeginTx(r.Context(), nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	var tagIDs []byte
	for _, t := range in.TagDetails {
		id, _ := wire.ParseID(t.ID)
		var one int
		if err := tx.Stmt(s.hasTag).QueryRow(user*2, id).Scan(&one); err != nil {
			return nil, err
		}
		tagIDs, out.TagIDs = append(tagIDs, id[:]...), append(out.TagIDs, id)
	}
	if _, err := tx.Stmt(s.add).Exec(user*2, out.ID, in.Name, in.Email, in.Mobile, in.Company, tagIDs, int64(now)); err != nil {
		return nil, err
	}
	return out, tx.Commit()
}

// onNaive is the naive server on a copy of contactbook's file.
func onNaive(s *sqliteBooks) *subject {
	return &subject{
		name: nameNaive, ops: []string{opAdd}, sources: s.sources,
		about: "one transaction a request on contactbook's own SQLite tables, `synchronous=FULL`; no secret, field or limit is checked",
		start: func(_ context.Context, rows int) (*instance, error) {
			dir, file, err := s.copy(rows)
			if err != nil {
				return nil, err
			}
			cmd, err := self(naiveCommand, "-file", file)
			if err != nil {
				return nil, err
			}
			in, err := serveSelf(cmd)
			if err != nil {
				return nil, err
			}
			stop := in.stop
			in.size = folderSize(dir)
			in.stop = func() error { return errors.Join(stop(), os.RemoveAll(dir)) }
			return in, nil
		},
	}
}
