package main

// plants are the faults that the tests must find, each the one mistake that a promise is there to rule out.
var plants = []fault{
	{"P01", "a write is acknowledged before its commit, on SQLite", "R1", "./e2e", "TestKill9", "sqlite", "internal/store/group.go", []swap{
		{"	case g.queue <- p:\n", "	case g.queue <- p:\n		return nil\n"},
	}},
	{"P02", "a write is acknowledged before its commit, on PostgreSQL", "R2", "./e2e", "TestKill9", "postgres", "internal/store/group.go", []swap{
		{"	case g.queue <- p:\n", "	case g.queue <- p:\n		return nil\n"},
	}},
	{"P03", "SQLite does not sync at all", "R3", "./e2e", "TestPowerLoss", "", "internal/store/sqlite.go", []swap{
		{`"synchronous = full"`, `"synchronous = off"`},
	}},
	{"P04", "SQLite syncs at checkpoints, and not at commits", "R3", "./e2e", "TestPowerLoss", "", "internal/store/sqlite.go", []swap{
		{`"synchronous = full"`, `"synchronous = normal"`},
	}},
	{"P05", "a row that a damaged index leads to is not compared with what was asked for", "R8", "./e2e", "TestSwappedIndex", "", "internal/store/sqlite.go", []swap{
		{"ownRows:     true", "ownRows:     false"},
	}},
	{"P06", "an add that is tried again does not look for its earlier try", "R11", "./e2e", "TestDatabaseFailures", "", "internal/store/record.go", []swap{
		{"if tx.again { //", "if tx.again && tx.db == nil { //"},
	}},
	{"P07", "a database that is absent at start is asked for every 10 seconds", "R14", "./e2e", "TestDatabaseAbsentAtStart", "", "internal/cli/serve.go", []swap{
		{"askAgain = 250 * time.Millisecond", "askAgain = 10 * time.Second"},
	}},
	{"P08", "bodies of 64 MB are read", "HTTP", "./e2e", "TestTooLarge", "", "internal/server/server.go", []swap{
		{"maxBody   = 256 << 10", "maxBody   = 64 << 20"},
	}},

	{"P09", "a new primary payment method leaves the old one primary", "M1", "./e2e", "TestModel", "", "internal/book/payment.go", []swap{
		{"set is_primary = false,", "set is_primary = is_primary,"},
	}},
	{"P10", "an update keeps a contact's tags", "M1", "./e2e", "TestModel", "", "internal/book/profile.go", []swap{
		{"p.Tags, p.Updated = in.tags.unique(), c.Now", "p.Updated = c.Now"},
	}},
	{"P11", "an update keeps a tag twice that is named twice", "M1", "./e2e", "TestModel", "", "internal/book/profile.go", []swap{
		{"p.Tags, p.Updated = in.tags.unique(), c.Now", "p.Tags, p.Updated = in.tags, c.Now"},
	}},
	{"P12", "an update cannot clear the company's name", "M1", "./e2e", "TestModel", "", "internal/book/profile.go", []swap{
		{"	if sent != nil {\n		*value = *sent", "	if sent != nil && *sent != \"\" {\n		*value = *sent"},
	}},
	{"P13", "two VPAs that differ in case are two payment methods", "M1", "./e2e", "TestModel", "", "internal/book/payment.go", []swap{
		{"identity.VPAKey(p.Number) == identity.VPAKey(q.Number)", "identity.VPAKey(p.Number) != \"\" && p.Number == q.Number"},
	}},
	{"P14", "a page that is exactly full promises another", "M1", "./e2e", "TestModel", "", "internal/book/profile.go", []swap{
		{"	if len(found) > limit {\n		found = found[:limit]", "	if len(found) >= limit {\n		found = found[:limit]"},
	}},
	{"P15", "a tag may be renamed to another's name in other letters", "M1", "./e2e", "TestModel", "", "internal/book/tag.go", []swap{
		{"t := tag{Meta: store.NewMeta(in.id, c.Now), Name: in.name, key: fold(in.name),", "t := tag{Meta: store.NewMeta(in.id, c.Now), Name: in.name, key: in.name,"},
	}},
	{"P16", "a success says another sentence than the documentation", "M4", "./e2e", "TestSamples", "", "internal/book/op.go", []swap{
		{`"Contact Added Successfully"`, `"Contact added successfully"`},
	}},

	{"P17", "the tenant is dropped from reading a list", "S1", "./e2e", "TestSecondTenant", "", "internal/book/profile.go", []swap{
		{" and id < $2 order by id desc limit $3", " or id < $2 order by id desc limit $3"},
	}},
	{"P18", "the tenant is dropped from reading a record", "S1", "./e2e", "TestSecondTenant", "", "internal/store/record.go", []swap{
		{`has: "/* " + table + " has */" + one + where,`, `has: "/* " + table + " has */" + one + strings.Replace(where, "tenant_id = $1", "(tenant_id = $1 or true)", 1),`},
	}},
	{"P19", "the tenant is dropped from updating a record", "S1", "./e2e", "TestSecondTenant", "", "internal/store/record.go", []swap{
		{`where + " returning updated, created"`, `strings.Replace(where, "tenant_id = $1", "(tenant_id = $1 or true)", 1) + " returning updated, created"`},
	}},
	{"P20", "the tenant is dropped from deleting a record", "S1", "./e2e", "TestSecondTenant", "", "internal/store/record.go", []swap{
		{`drop */ delete from " + table + where`, `drop */ delete from " + table + strings.Replace(where, "tenant_id = $1", "(tenant_id = $1 or true)", 1)`},
	}},
	{"P21", "LIVE and SANDBOX are one book", "S1", "./e2e", "TestSecondTenant", "", "internal/store/store.go", []swap{
		{"Tenant(userID*2 + 1)", "Tenant(userID * 2)"},
	}},
	{"P22", "isVerified is taken from the body of Add Payment", "S2", "./e2e", "TestSecondTenant", "", "internal/book/payment.go", []swap{
		{"	verify                                 bool\n", "	verify, verified                       bool\n"},
		{"	in.verify = f.boolean(\"isVerificationOn\")\n", "	in.verify = f.boolean(\"isVerificationOn\")\n	in.verified = f.body.Get(\"isVerified\").Bool()\n"},
		{"Beneficiary: in.beneficiary}", "Beneficiary: in.beneficiary, Verified: in.verified}"},
	}},
	{"P23", "isVerified is a field of Add Payment", "S2", "./e2e", "TestSecondTenant", "", "internal/book/payment.go", []swap{
		{"	verify                                 bool\n", "	verify, verified                       bool\n"},
		{"	in.verify = f.boolean(\"isVerificationOn\")\n", "	in.verify = f.boolean(\"isVerificationOn\")\n	in.verified = f.boolean(\"isVerified\")\n"},
		{"Beneficiary: in.beneficiary}", "Beneficiary: in.beneficiary, Verified: in.verified}"},
	}},

	{"P32", "the tenant of a transaction stays with its connection", "S7", "./internal/store", "TestWallStops", "", "internal/store/wall.go", []swap{
		{`tenantSetting + "', $1, true)"`, `tenantSetting + "', $1, false)"`},
	}},

	{"P24", "a goroutine outlives the server", "O2", "./internal/cli", "TestServeLeavesNothing", "", "internal/server/listen.go", []swap{
		{"	go func() { failed <- serve() }()\n", "	go func() { failed <- serve(); select {} }()\n"},
	}},
	{"P25", "everybody is admitted", "O4", "./e2e", "TestOverload", "", "internal/server/admission.go", []swap{
		{"return a.load.Add(1) <= a.limit || a.wait()", "return a.load.Add(1) != 0 || a.wait()"},
	}},
	{"P26", "a stop does not wait for the requests that it accepted", "O5", "./e2e", "TestSIGTERM", "", "internal/server/listen.go", []swap{
		{"if err := srv.Shutdown(stop); err != nil {", "if err := srv.Close(); err != nil || stop == nil {"},
	}},
	{"P27", "a restore leaves the old book's WAL", "O7", "./e2e", "TestRestoreStaleWAL", "", "internal/store/restore.go", []swap{
		{`[]string{"-wal", "-shm"} {`, `[]string{"-shm"} {`},
	}},
	{"P28", "doctor does not ask for an integrity check", "O7", "./internal/store", "TestDoctorIndex", "", "internal/store/check.go", []swap{
		{`"pragma integrity_check(20)"`, `"select 'ok'"`},
	}},
	{"P29", "updated_at is whatever the clock says", "O8", "./internal/store", "TestClockSteps", "", "internal/store/record.go", []swap{
		{`", updated = case when updated > " + now + " then updated else " + now + " end" +`, `", updated = " + now +`},
	}},
	{"P30", "ids go back with the clock", "O8", "./internal/wire", "TestUniqueWhateverTheClock", "", "internal/wire/id.go", []swap{
		{"if second > next>>counterBits {", "if second != next>>counterBits {"},
	}},
	{"P31", "every process makes its ids with the same part", "O9", "./internal/wire", "TestUniqueAcrossProcesses", "", "internal/wire/id.go", []swap{
		{"	rand.Read(g.process[:])\n", ""},
	}},
	{"P34", "a lost try is left alone, and lands when it may", "R11", "./internal/store", "TestPostgresLostTry", "", "internal/store/losttry.go", []swap{
		{"pg_terminate_backend(pid, 1000)", "pid > 0"},
	}},
}
