// Package deploy holds the ways to run contactbook beside Go and make. Its tests
// check what can be checked without a container engine or a running systemd: form,
// and that the settings are contactbook's and work together.
package deploy

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"contactbook/internal/config"
)

// settings are serve's, and the flags that set them.
func settings() (*config.Settings, *pflag.FlagSet) {
	s, flags := &config.Settings{}, pflag.NewFlagSet("serve", pflag.ContinueOnError)
	s.Global(flags)
	s.Serve(flags)
	return s, flags
}

// resolve makes settings of an environment, as serve does.
func resolve(t *testing.T, env map[string]string) *config.Settings {
	t.Helper()
	s, flags := settings()
	known := func(flag string) bool { return flags.Lookup(flag) != nil }
	if _, err := config.Resolve(flags, func(name string) string { return env[name] }, known); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	return s
}

// url is the database that the settings come to.
func url(t *testing.T, s *config.Settings) string {
	t.Helper()
	u, err := s.URL()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func text(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every variable that a file here names, in comments too, is a setting.
func TestVariables(t *testing.T) {
	real := map[string]bool{"CONTACTBOOK_PEPPER": true} // the one without a flag
	_, flags := settings()
	flags.VisitAll(func(f *pflag.Flag) { real[config.Env(f.Name)] = true })
	variable := regexp.MustCompile(`CONTACTBOOK_\w+`)
	seen := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "secrets":
			return fs.SkipDir // the operator's own
		case d.IsDir() || strings.HasSuffix(file, ".go"):
			return nil
		}
		for _, name := range variable.FindAllString(text(t, file), -1) {
			if seen++; !real[name] {
				t.Errorf("%s: %s is no setting", file, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Errorf("only %d variables were found", seen)
	}
}

// drain is how long the server answers what it has accepted, once told to stop.
func drain(t *testing.T) time.Duration {
	t.Helper()
	m := regexp.MustCompile(`drainTimeout += (\d+) \* time\.Second`).FindStringSubmatch(text(t, "../internal/server/listen.go"))
	if m == nil {
		t.Fatal("internal/server/listen.go does not say how long the server drains")
	}
	seconds, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(seconds) * time.Second
}

// stage is the last stage of the Dockerfile: its instructions in order, continued
// lines joined.
func stage(t *testing.T) (instructions [][2]string) {
	t.Helper()
	lines := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(text(t, "Dockerfile"), "")
	for line := range strings.Lines(strings.ReplaceAll(lines, "\\\n", "")) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		if name == "FROM" {
			instructions = nil
		}
		instructions = append(instructions, [2]string{name, strings.TrimSpace(rest)})
	}
	return instructions
}

// imageEnv is the environment that the image sets.
func imageEnv(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, in := range stage(t) {
		if in[0] == "ENV" {
			name, value, ok := strings.Cut(in[1], "=")
			if !ok {
				t.Errorf("ENV %s has no =", in[1])
			}
			env[name] = value
		}
	}
	return env
}

func TestDockerfile(t *testing.T) {
	one := map[string]string{} // the last of each instruction
	for _, in := range stage(t) {
		one[in[0]] = in[1]
		if in[0] == "RUN" || in[0] == "ADD" {
			t.Errorf("%s %s: nothing runs in an empty image", in[0], in[1])
		}
	}
	if one["FROM"] != "scratch" {
		t.Errorf("the last stage is from %q, not from scratch", one["FROM"])
	}
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(one["USER"]) {
		t.Errorf("USER %s is not the numbers of an ordinary user and group", one["USER"])
	}
	s := resolve(t, imageEnv(t))
	if !strings.HasSuffix(s.Listen, ":"+one["EXPOSE"]) {
		t.Errorf("EXPOSE %s, but it listens on %s", one["EXPOSE"], s.Listen)
	}
	for _, path := range []string{strings.TrimPrefix(url(t, s), "sqlite:"), s.PepperFile, s.ACMEFolder} {
		if !strings.HasPrefix(path, one["VOLUME"]+"/") {
			t.Errorf("%s is not in the volume %s", path, one["VOLUME"])
		}
	}
	want := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(text(t, "../go.mod"))[1]
	if !strings.Contains(text(t, "Dockerfile"), " golang:"+want+" AS build\n") {
		t.Errorf("go.mod demands Go %s, and the image is built with another", want)
	}
}

// compose is what of compose.yaml the test looks at.
type compose struct {
	Services map[string]struct {
		Environment map[string]string
		Secrets     []string
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Networks    []string
		Ports       []string
		Volumes     []string
		Healthcheck struct{ Test []string }
		Stop        string `yaml:"stop_grace_period"`
	}
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]struct{}
	Secrets  map[string]struct{ File string }
}

func TestCompose(t *testing.T) {
	var c compose
	if err := yaml.Unmarshal([]byte(text(t, "compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	var ports []string
	for name, s := range c.Services {
		ports = append(ports, s.Ports...)
		for _, secret := range s.Secrets {
			if c.Secrets[secret].File == "" {
				t.Errorf("%s: the secret %s has no file", name, secret)
			}
		}
		for _, network := range s.Networks {
			if _, ok := c.Networks[network]; !ok {
				t.Errorf("%s: there is no network %s", name, network)
			}
		}
		for _, volume := range s.Volumes {
			volume, _, _ = strings.Cut(volume, ":")
			if _, ok := c.Volumes[volume]; !ok {
				t.Errorf("%s: %s is not a named volume", name, volume)
			}
		}
		for other, on := range s.DependsOn {
			if on.Condition != "service_healthy" || len(c.Services[other].Healthcheck.Test) == 0 {
				t.Errorf("%s does not wait until %s is healthy", name, other)
			}
		}
		for variable, value := range s.Environment {
			if secret, ok := strings.CutPrefix(value, "/run/secrets/"); ok && !slices.Contains(s.Secrets, secret) {
				t.Errorf("%s: %s names a secret that it is not given", name, variable)
			}
		}
	}
	if !slices.Equal(ports, []string{"127.0.0.1:8080:8080"}) {
		t.Errorf("published: %q", ports)
	}
	if postgres := c.Services["postgres"]; !slices.Equal(postgres.Networks, []string{"back"}) || !c.Networks["back"].Internal {
		t.Error("PostgreSQL is not on the inner network alone")
	}
	server := c.Services["contactbook"]
	if stop, err := time.ParseDuration(server.Stop); err != nil || stop <= drain(t) {
		t.Errorf("the server is killed after %q, and drains for %s", server.Stop, drain(t))
	}

	// The image's environment with the service's over it; the secret stands in for its mounted file.
	env := imageEnv(t)
	maps.Copy(env, server.Environment)
	secret := filepath.Join(t.TempDir(), "database")
	if err := os.WriteFile(secret, []byte("postgres://book:secret@postgres:5432/book\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env["CONTACTBOOK_DATABASE_FILE"] = secret
	s := resolve(t, env)
	if got := url(t, s); got != "postgres://book:secret@postgres:5432/book" {
		t.Errorf("the database is %s", got)
	}
	if !strings.HasSuffix(s.Listen, ":8080") {
		t.Errorf("port 8080 is published, and it listens on %s", s.Listen)
	}
}

// The settings that the service comes with work, and those in its comments exist.
func TestConf(t *testing.T) {
	s := resolve(t, map[string]string{"CONTACTBOOK_CONFIG": "contactbook.conf"})
	for _, path := range []string{strings.TrimPrefix(url(t, s), "sqlite:"), s.PepperFile, s.ACMEFolder} {
		if !strings.HasPrefix(path, "/var/lib/contactbook/") {
			t.Errorf("%s is not in the service's state folder", path)
		}
	}
	all := filepath.Join(t.TempDir(), "all.conf")
	with := regexp.MustCompile(`(?m)^#([a-z-]+ = )`).ReplaceAllString(text(t, "contactbook.conf"), "$1")
	if err := os.WriteFile(all, []byte(with), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := resolve(t, map[string]string{"CONTACTBOOK_CONFIG": all}); s.DatabaseFile == "" || s.TLSKey == "" || len(s.TrustedProxies) == 0 {
		t.Errorf("not all of the commented settings were taken: %+v", s)
	}
}
