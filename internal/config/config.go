// Package config finds the value of every flag: on the command line, else in the
// environment, else in the configuration file, else its default.
package config

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Env is the environment variable of a flag: CONTACTBOOK_ and its name.
func Env(flag string) string {
	return "CONTACTBOOK_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// FileFlag names the flag that names the configuration file.
const FileFlag = "config"

// Resolved tells where each flag's value came from.
type Resolved map[string]string

// Resolve sets the flags that the command line did not, from the environment and
// from the file that --config names. known tells the flags of other commands,
// which a shared file may have too. Errors are one sentence for an operator.
func Resolve(flags *pflag.FlagSet, getenv func(string) string, known func(flag string) bool) (Resolved, error) {
	sources := Resolved{}
	flags.VisitAll(func(f *pflag.Flag) {
		sources[f.Name] = "default"
		if f.Changed {
			sources[f.Name] = "command line"
		}
	})
	file := map[string][]string{}
	resolve := func(f *pflag.Flag) error {
		if f.Changed {
			return nil
		}
		values, source := file[f.Name], "configuration file"
		if v := getenv(Env(f.Name)); v != "" {
			values, source = []string{v}, "environment variable "+Env(f.Name)
		}
		for _, v := range values {
			if err := flags.Set(f.Name, v); err != nil {
				return fmt.Errorf("the %s: %s is not a good value for a %s", source, f.Name, f.Value.Type())
			}
			sources[f.Name] = source
		}
		return nil
	}
	named := flags.Lookup(FileFlag)
	err := resolve(named)
	if err == nil {
		file, err = readFile(named.Value.String(), known)
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if err == nil {
			err = resolve(f)
		}
	})
	return sources, err
}

// readFile reads lines of flag = value; # starts a comment line, and a flag that
// may be repeated may stand on several lines.
func readFile(name string, known func(string) bool) (map[string][]string, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the configuration file cannot be read: %w", err)
	}
	values := map[string][]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if !ok || !known(key) || key == FileFlag {
			return nil, fmt.Errorf("%s, line %d: a line is FLAG = VALUE, where FLAG is one of contactbook's without its dashes", name, n)
		}
		values[key] = append(values[key], strings.Trim(strings.TrimSpace(value), `"`))
	}
	return values, lines.Err()
}
