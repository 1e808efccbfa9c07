// Kafka-aggregator writes, for each matching Avro topic of a Kafka cluster,
// one record per time window with statistics of every numeric field.
package main

import (
	"os"

	"github.com/lsst-sqre/kafka-aggregator/internal/cli"
)

func main() { os.Exit(cli.Main()) }
