package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Settings are all settings of the server; the first three are of every command.
type Settings struct {
	Database     string
	DatabaseFile string
	PepperFile   string

	Listen         string
	PlainHTTP      bool
	TLSCert        string
	TLSKey         string
	ACMEDomains    []string
	ACMEFolder     string
	TrustedProxies []string
	MaxConnections int
	MaxRequests    int
	AuthFailures   int
	SandboxBooks   int
	AdminListen    string
	Node           int
	LogLevel       string
	LogFormat      string

	Verifier        string
	VerifierURL     string
	VerifierSecret  string // the name of its file
	VerifierTimeout time.Duration

	RowSecurity bool
}

// DefaultDatabase is where the data is unless told otherwise.
const DefaultDatabase = "sqlite:contactbook-data/contactbook.db"

// Global adds the flags of every command.
func (s *Settings) Global(f *pflag.FlagSet) {
	f.StringVar(&s.Database, "database", DefaultDatabase, "sqlite:PATH or postgres://USER@HOST:PORT/NAME")
	f.StringVar(&s.DatabaseFile, "database-file", "", "file whose one line is the database, for an address with a password in it")
	f.StringVar(&s.PepperFile, "pepper-file", "contactbook-data/pepper.key", "file with the pepper that keys secrets' hashes, made at first start; CONTACTBOOK_PEPPER overrides it")
	f.String(FileFlag, "", "configuration file")
}

// Serve adds the flags of the server.
func (s *Settings) Serve(f *pflag.FlagSet) {
	f.StringVar(&s.Listen, "listen", "127.0.0.1:8080", "address and port to listen on; port 0 takes a free one")
	f.BoolVar(&s.PlainHTTP, "plain-http", false, "allow plain HTTP on an address that is not loopback, as behind a proxy that ends TLS")
	f.StringVar(&s.TLSCert, "tls-cert", "", "PEM file with the certificate chain; read again when it changes")
	f.StringVar(&s.TLSKey, "tls-key", "", "PEM file with the certificate's key")
	f.StringSliceVar(&s.ACMEDomains, "acme-domain", nil, "domain to get a certificate for from Let's Encrypt, on port 443 (repeatable)")
	f.StringVar(&s.ACMEFolder, "acme-folder", "contactbook-data/acme", "where certificates from Let's Encrypt are kept")
	f.StringSliceVar(&s.TrustedProxies, "trusted-proxy", nil, "CIDR of proxies whose X-Forwarded-For is believed (repeatable)")
	f.IntVar(&s.MaxConnections, "max-connections", 10000, "connections at a time; more wait to be accepted")
	f.IntVar(&s.MaxRequests, "max-requests", 512, "requests that are worked on at a time; twice as many wait, and more are refused with 503")
	f.IntVar(&s.AuthFailures, "auth-failures-per-minute", 10, "wrong credentials from an address, after which it is refused with 429 for the rest of the minute; 0: any number")
	f.IntVar(&s.SandboxBooks, "sandbox-books", 100, "throw-away books that a SANDBOX client may have at a time; 0: none")
	f.StringVar(&s.AdminListen, "admin-listen", "", "address and port for /metrics and /debug/pprof; none: off")
	f.IntVar(&s.Node, "node", 0, "this server's number in ipay_uuid, 0 to 999")
	f.StringVar(&s.LogLevel, "log-level", "info", "debug, info, warn or error; info has a line a request")
	f.StringVar(&s.LogFormat, "log-format", "text", "text or json")
	f.StringVar(&s.Verifier, "verifier", VerifierNone, "who verifies accounts and identities of LIVE clients: none, simulator, http or manual; SANDBOX clients always have the simulator")
	f.StringVar(&s.VerifierURL, "verifier-url", "", "where the http verifier is asked; https, or a loopback address")
	f.StringVar(&s.VerifierSecret, "verifier-secret-file", "", "file whose one line signs what the http verifier is asked, at least 32 characters")
	f.DurationVar(&s.VerifierTimeout, "verifier-timeout", 8*time.Second, "how long the http verifier may take, its tries together; then the verification is pending")
	s.Wall(f, "refuse to serve unless PostgreSQL's row-level security divides the tenants for this role too")
}

// RowSecurityFlag names the setting of the second wall between tenants.
const RowSecurityFlag = "row-level-security"

// Wall adds the flag of the second wall between tenants.
func (s *Settings) Wall(f *pflag.FlagSet, usage string) {
	f.BoolVar(&s.RowSecurity, RowSecurityFlag, false, usage)
}

// Check says in one sentence what of the server's settings cannot work.
func (s *Settings) Check() error {
	if s.Node < 0 || s.Node > 999 {
		return fmt.Errorf("--node must be from 0 to 999")
	}
	if s.MaxConnections < 1 {
		return fmt.Errorf("--max-connections must be at least 1")
	}
	if s.MaxRequests < 1 {
		return fmt.Errorf("--max-requests must be at least 1")
	}
	if s.AuthFailures < 0 {
		return fmt.Errorf("--auth-failures-per-minute must be at least 0")
	}
	if s.SandboxBooks < 0 {
		return fmt.Errorf("--sandbox-books must be at least 0")
	}
	if _, err := s.Level(); err != nil {
		return err
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		return fmt.Errorf("--log-format must be text or json")
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return fmt.Errorf("--tls-cert and --tls-key belong together")
	}
	if s.TLSCert != "" && len(s.ACMEDomains) > 0 {
		return fmt.Errorf("give --tls-cert or --acme-domain, not both")
	}
	if _, err := s.Proxies(); err != nil {
		return err
	}
	if err := s.checkVerifier(); err != nil {
		return err
	}
	if err := s.checkListen("listen", s.Listen, s.TLS()); err != nil {
		return err
	}
	if s.AdminListen == "" {
		return nil
	}
	return s.checkListen("admin-listen", s.AdminListen, false)
}

// checkVerifier demands TLS too: a question has account numbers and names in it.
func (s *Settings) checkVerifier() error {
	if !slices.Contains([]string{VerifierNone, VerifierSimulator, VerifierHTTP, VerifierManual}, s.Verifier) {
		return fmt.Errorf("--verifier must be none, simulator, http or manual")
	}
	if s.VerifierTimeout < 100*time.Millisecond || s.VerifierTimeout > time.Minute {
		return fmt.Errorf("--verifier-timeout must be from 100ms to 1m")
	}
	if s.Verifier != VerifierHTTP {
		if s.VerifierURL != "" || s.VerifierSecret != "" {
			return fmt.Errorf("--verifier-url and --verifier-secret-file are of --verifier http")
		}
		return nil
	}
	u, err := url.Parse(s.VerifierURL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("--verifier-url must be an https address without a password in it")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("--verifier-url must be https, but for a loopback address")
	}
	_, err = s.VerifierKey()
	return err
}

// VerifierKey is the secret that signs questions.
func (s *Settings) VerifierKey() ([]byte, error) {
	if s.VerifierSecret == "" {
		return nil, fmt.Errorf("--verifier http needs --verifier-secret-file")
	}
	text, err := os.ReadFile(s.VerifierSecret)
	if err != nil {
		return nil, fmt.Errorf("the verifier's secret file cannot be read: %w", err)
	}
	key := strings.TrimSpace(string(text))
	if len(key) < 32 {
		return nil, fmt.Errorf("the verifier's secret must have at least 32 characters")
	}
	return []byte(key), nil
}

// The verifiers.
const (
	VerifierNone      = "none"
	VerifierSimulator = "simulator"
	VerifierHTTP      = "http"
	VerifierManual    = "manual"
)

// TLS tells whether the server speaks TLS.
func (s *Settings) TLS() bool { return s.TLSCert != "" || len(s.ACMEDomains) > 0 }

// checkListen demands TLS, or the word that it is not wanted, where credentials
// and personal data would leave the machine.
func (s *Settings) checkListen(flag, address string, tls bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--%s: %q is not an address and port such as 127.0.0.1:8080", flag, address)
	}
	ip, err := netip.ParseAddr(host)
	loopback := host == "localhost" || err == nil && ip.IsLoopback()
	if !loopback && !tls && !s.PlainHTTP {
		return fmt.Errorf("--%s: %s is not a loopback address: set --tls-cert and --tls-key, or --acme-domain, or --plain-http behind a proxy that ends TLS", flag, address)
	}
	return nil
}

// Level is the least severe log line to write.
func (s *Settings) Level() (slog.Level, error) {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, s.LogLevel) {
		return 0, fmt.Errorf("--log-level must be debug, info, warn or error")
	}
	var l slog.Level
	return l, l.UnmarshalText([]byte(s.LogLevel))
}

// Proxies are the trusted proxies.
func (s *Settings) Proxies() ([]netip.Prefix, error) {
	return Prefixes("trusted-proxy", s.TrustedProxies)
}

// Prefixes reads a flag's CIDRs; a lone address is a CIDR of itself.
func Prefixes(flag string, texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if ip, alone := netip.ParseAddr(text); err != nil && alone == nil {
			p, err = ip.Prefix(ip.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("--%s: %q is not a CIDR such as 203.0.113.0/24", flag, text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// URL is the database's address, from the flag or the file.
func (s *Settings) URL() (string, error) {
	if s.DatabaseFile == "" {
		return s.Database, nil
	}
	if s.Database != DefaultDatabase {
		return "", fmt.Errorf("give --database or --database-file, not both")
	}
	text, err := os.ReadFile(s.DatabaseFile)
	if err != nil {
		return "", fmt.Errorf("the database file cannot be read: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Effective is one setting as it stands.
type Effective struct {
	Flag   string `json:"setting"`
	Value  string `json:"value"` // secrets masked
	Source string `json:"source"`
}

// Effective lists the values of flags that Resolve has set, with their sources.
func (r Resolved) Effective(flags *pflag.FlagSet, only func(flag string) bool) []Effective {
	var all []Effective
	flags.VisitAll(func(f *pflag.Flag) {
		if only(f.Name) {
			all = append(all, Effective{f.Name, mask(f.Value.String()), r[f.Name]})
		}
	})
	return all
}

// mask hides the password of an address.
func mask(value string) string {
	u, err := url.Parse(value)
	if err != nil {
		if strings.Contains(value, "://") {
			return "[masked: it cannot be read]"
		}
		return value
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return value
	}
	query := u.Query()
	if query.Has("password") {
		query.Set("password", "xxxxx")
		u.RawQuery = query.Encode()
	}
	return u.Redacted()
}
