package httpreq

import (
	"flag"
	"time"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/endpoint"
)

// options are those of serve.
type options struct {
	listen          string
	socket          endpoint.Options
	tlsCert, tlsKey string
	users           string
	maxClients      int
	gracePeriod     time.Duration // until running handlers are stopped and undone at the end
	log             func(line string)
}

func (o *options) register(set *flag.FlagSet) {
	set.StringVar(&o.listen, "listen", "", "")
	set.StringVar(&o.tlsCert, "tls-cert", "", "")
	set.StringVar(&o.tlsKey, "tls-key", "", "")
	set.StringVar(&o.users, "users", "", "")
	set.IntVar(&o.maxClients, "max-clients", 256, "")
	set.DurationVar(&o.gracePeriod, "grace", 10*time.Second, "")
	cli.RegisterSocket(set, &o.socket.Mode, &o.socket.Group)
}

func (o *options) check() error {
	switch {
	case o.listen == "":
		return cli.Usage("serve needs --listen")
	case o.users == "":
		return cli.Usage("serve needs --users")
	case (o.tlsCert == "") != (o.tlsKey == ""):
		return cli.Usage("--tls-cert and --tls-key need each other")
	case o.maxClients < 1:
		return cli.Usage("--max-clients must be more than 0")
	case o.gracePeriod < 0:
		return cli.Usage("--grace must not be less than 0")
	}
	return nil
}
