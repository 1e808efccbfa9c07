package config

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Opts are the options that any client needs to reach the cluster: seed
// brokers, client id, TLS and SASL. It reads the files of certificates; the
// file of a password is read at each login.
func (k Kafka) Opts() ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(k.Brokers...), kgo.ClientID(k.ClientID)}
	if k.TLS.Enabled {
		conf, err := k.TLS.Client()
		if err != nil {
			return nil, fmt.Errorf("kafka.tls: %w", err)
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	s := k.SASL
	scramAuth := func(context.Context) (scram.Auth, error) {
		password, err := Password(s.Password, s.PasswordFile)
		return scram.Auth{User: s.Username, Pass: password}, err
	}
	switch s.Mechanism {
	case "":
	case "plain":
		opts = append(opts, kgo.SASL(plain.Plain(func(context.Context) (plain.Auth, error) {
			password, err := Password(s.Password, s.PasswordFile)
			return plain.Auth{User: s.Username, Pass: password}, err
		})))
	case "scram-sha-256":
		opts = append(opts, kgo.SASL(scram.Sha256(scramAuth)))
	case "scram-sha-512":
		opts = append(opts, kgo.SASL(scram.Sha512(scramAuth)))
	default:
		return nil, fmt.Errorf("kafka.sasl.mechanism: unknown value %q", s.Mechanism)
	}
	return opts, nil
}

// Password returns the password, or the content of the file without white
// space at its end if a file is named.
func Password(password, file string) (string, error) {
	if file == "" {
		return password, nil
	}
	text, err := readFile(file, maxSecret)
	if err != nil {
		return "", fmt.Errorf("password file: %w", err)
	}
	return strings.TrimRight(string(text), " \t\r\n"), nil
}
