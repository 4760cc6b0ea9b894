package main

import "time"

// item is one promise and the tests that show it.
type item struct {
	ID     string
	Title  string
	Target string // in short, for one that never ran
	Runs   []run
}

// run is one go test. Its tests are named one by one, so that one that is not there is noticed.
type run struct {
	Package string   // below the root: "./e2e"
	Tests   []string // top-level names
	Sub     string   // an expression of subtests, for tests that have them; "": all
	Race    bool     // under the race detector, at the quick size; all tests when none is named
	Limit   time.Duration
}

// short is the limit of a run that should take seconds, and long that of one that should take minutes. Releases get ten
// times as much.
const (
	short = 5 * time.Minute
	long  = 20 * time.Minute
)

// catalogue is all that is promised, in the order of docs/reliability.md.
var catalogue = []item{
	{"R1", "kill -9 under write load on SQLite", "0 acknowledged writes lost, 0 half there; ready within 1 s", []run{
		{Package: "./e2e", Tests: []string{"TestKill9"}, Sub: "sqlite", Limit: long},
		{Package: "./e2e", Tests: []string{"TestKillAtStart"}, Limit: short},
	}},
	{"R2", "kill -9 under write load on PostgreSQL; the database crashes and returns", "0 lost; first success within 2 s of its return", []run{
		{Package: "./e2e", Tests: []string{"TestKill9"}, Sub: "postgres", Limit: long},
		{Package: "./e2e", Tests: []string{"TestDatabaseCrash"}, Limit: short},
	}},
	{"R3", "power loss at every write of a workload", "0 acknowledged writes lost, 0 corrupt", []run{
		{Package: "./e2e", Tests: []string{"TestPowerLoss"}, Limit: long},
	}},
	{"R5", "an fsync or a write fails once", "nothing acknowledged after it; not ready within 1 s; recovers", []run{
		{Package: "./e2e", Tests: []string{"TestSyncFails", "TestCheckpointFails"}, Limit: long},
	}},
	{"R6", "the disk is full", "SPD within 100 ms, reads go on, recovery within 5 s of space", []run{
		{Package: "./e2e", Tests: []string{"TestDiskFull"}, Limit: long},
	}},
	{"R8", "a corrupted or truncated database file", "no panic, no row of another tenant, the file named", []run{
		{Package: "./e2e", Tests: []string{"TestDamagedFile", "TestSwappedIndex"}, Limit: short},
	}},
	{"R11", "serialization failures, deadlocks, lock timeouts, connections lost at commit", "success or one clean failure, no duplicates", []run{
		{Package: "./e2e", Tests: []string{"TestDatabaseFailures", "TestLockTimeout"}, Limit: long},
		{Package: "./internal/store", Tests: []string{"TestPostgresRedoes", "TestPostgresDeadlock", "TestPostgresAddsSurvive", "TestPostgresLostTry"}, Limit: short},
	}},
	{"R14", "the database is absent at start", "alive, not ready, connected within 2 s of its arrival", []run{
		{Package: "./e2e", Tests: []string{"TestDatabaseAbsentAtStart"}, Limit: short},
	}},
	{"HTTP", "hostile HTTP", "one reply each, or the connection closed; others hardly notice", []run{
		{Package: "./e2e", Tests: []string{"TestSmuggling", "TestSlowClients", "TestTooLarge", "TestStrictJSON"}, Limit: short},
		{Package: "./internal/arch", Tests: []string{"TestFuzz"}, Limit: long},
	}},
	{"M1", "random sequences of all operations against a model", "0 differences", []run{
		{Package: "./e2e", Tests: []string{"TestModel"}, Limit: long},
	}},
	{"M2", "each contact is linearizable under 16 clients and kills", "0 histories that no order explains", []run{
		{Package: "./e2e", Tests: []string{"TestLinearizable"}, Limit: long},
	}},
	{"M3", "one script of 20,000 operations on every engine", "byte-equal replies", []run{
		{Package: "./e2e", Tests: []string{"TestSameScript"}, Limit: long},
	}},
	{"M4", "every documented sample", "reproduced", []run{
		{Package: "./e2e", Tests: []string{"TestSamples", "TestSamplePaymentAsPublished"}, Limit: short},
	}},
	{"S1", "every operation with ids that are not the caller's", "0 reads, 0 writes across; told apart from random ids 0 times", []run{
		{Package: "./e2e", Tests: []string{"TestSecondTenant"}, Limit: short},
	}},
	{"S2", "every response field and column sent as input", "0 server-owned fields changed", []run{
		{Package: "./e2e", Tests: []string{"TestSecondTenant"}, Limit: short},
	}},
	{"S3", "injection", "0 statements built from input, 0 inputs run", []run{
		{Package: "./e2e", Tests: []string{"TestInjection"}, Limit: long},
		{Package: "./internal/arch", Tests: []string{"TestNoSQLFromInput"}, Limit: short},
	}},
	{"S5", "an unknown client id and a wrong secret take the same time", "Welch |t| < 4.5", []run{
		{Package: "./internal/server", Tests: []string{"TestSameTime"}, Limit: long},
	}},
	{"S6", "personal data in logs, metrics and errors", "0 canaries found", []run{
		{Package: "./e2e", Tests: []string{"TestCanaries", "TestHaystack"}, Limit: short},
		{Package: "./internal/server", Tests: []string{"TestPanicShowsNothing"}, Limit: short},
	}},
	{"S7", "PostgreSQL's row level security behind the tenant in every key", "0 rows of another tenant", []run{
		{Package: "./e2e", Tests: []string{"TestRowLevelSecurity", "TestWallWithoutPredicate"}, Limit: long},
	}},
	{"O1", "all tests under the race detector", "0 races", []run{
		{Package: "./...", Race: true, Limit: long},
	}},
	{"O2", "a server that stopped leaves nothing", "0 goroutines", []run{
		{Package: "./internal/cli", Tests: []string{"TestServeLeavesNothing"}, Limit: short},
	}},
	{"O3", "soak at 60% load", "memory, goroutines, descriptors and WAL flat", []run{
		{Package: "./e2e", Tests: []string{"TestSoak"}, Limit: long},
	}},
	{"O4", "overload", "goodput 90% of the peak at 2x, 80% at 10x; refusals under 5 ms; normal within 5 s", []run{
		{Package: "./e2e", Tests: []string{"TestOverload", "TestOverloadRates"}, Limit: long},
	}},
	{"O5", "100 stops by SIGTERM under load", "0 accepted requests lost", []run{
		{Package: "./e2e", Tests: []string{"TestSIGTERM"}, Limit: long},
	}},
	{"O6", "a rolling upgrade under load", "0 failed requests", []run{
		{Package: "./e2e", Tests: []string{"TestRollingUpgrade"}, Limit: short},
	}},
	{"O7", "backup while serving, and the way back", "0 lost; a million contacts back within 60 s", []run{
		{Package: "./e2e", Tests: []string{"TestBackupWhileServing", "TestBackupKilled", "TestRestoreStaleWAL", "TestPointInTime", "TestBackupMillion"}, Limit: long},
		{Package: "./e2e", Tests: []string{"TestLitestream", "TestLitestreamAway"}, Limit: long},
	}},
	{"O8", "the clock steps back and forth", "updated_at never decreases; 0 ids twice", []run{
		{Package: "./internal/wire", Tests: []string{"TestUniqueWhateverTheClock"}, Limit: short},
		{Package: "./internal/store", Tests: []string{"TestClockSteps"}, Limit: short},
	}},
	{"O9", "8 processes make 5 million ids each", "0 duplicates", []run{
		{Package: "./internal/wire", Tests: []string{"TestUniqueAcrossProcesses"}, Limit: short},
	}},
	{"O10", "start and rest", "a cold start under 300 ms, 60 MB idle", []run{
		{Package: "./e2e", Tests: []string{"TestColdStart", "TestIdleMemory"}, Limit: short},
	}},
}
