package config_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

func TestLogin(t *testing.T) {
	ca, pair := certificate(t)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mechanism, ours := range map[string]string{"PLAIN": "plain", "SCRAM-SHA-256": "scram-sha-256", "SCRAM-SHA-512": "scram-sha-512"} {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(mechanism, "me", "secret"),
			kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		k := config.Kafka{
			Brokers: c.ListenAddrs(), ClientID: "test",
			TLS:  config.TLS{Enabled: true, CA: ca, ServerName: "kafka.test"},
			SASL: config.SASL{Mechanism: ours, Username: "me", PasswordFile: password},
		}
		if err := ping(t, k); err != nil {
			t.Errorf("%s: %v", ours, err)
		}
		k.SASL.PasswordFile, k.SASL.Password = "", "wrong"
		if err := ping(t, k); err == nil {
			t.Errorf("%s: a wrong password was accepted", ours)
		}
		k.TLS.ServerName = "other.test"
		if err := ping(t, k); err == nil {
			t.Errorf("%s: another server's certificate was accepted", ours)
		}
	}
}

func ping(t *testing.T, k config.Kafka) error {
	opts, err := k.Opts()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	return client.Ping(context.Background())
}

func TestFilesThatAreNotThere(t *testing.T) {
	for _, c := range []config.TLS{{Enabled: true, CA: "nowhere"}, {Enabled: true, Cert: "nowhere", Key: "nowhere"}, {Enabled: true, CA: "kafka_test.go"}} {
		if _, err := (config.Kafka{Brokers: []string{"a:1"}, TLS: c}).Opts(); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	if _, err := config.Password("", "nowhere"); err == nil {
		t.Error("a password from nowhere")
	}
}

// certificate makes a certificate for kafka.test that signs itself.
func certificate(t *testing.T) (file string, pair tls.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"kafka.test"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
