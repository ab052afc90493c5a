// policies stands on the controller of kube-network-policies, which is what judges and enforces in both of its uses.
//
//	policies enforce KUBECONFIG NODE
//	policies judge
//
// enforce judges the packets that the rules of this network namespace put into queue 100. The module's own program does
// the same, and takes its way to the cluster from within a pod alone.
//
// judge reads lines of JSON, each a cluster and packets in it, and writes for each a line with a list of true and false.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	_ "unsafe"

	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

// packet has the layout of the controller's own, which is private.
type packet struct {
	id      uint32
	family  v1.IPFamily
	srcIP   net.IP
	dstIP   net.IP
	proto   v1.Protocol
	srcPort int
	dstPort int
	payload []byte
}

//go:linkname evaluatePacket sigs.k8s.io/kube-network-policies/pkg/networkpolicy.(*Controller).evaluatePacket
func evaluatePacket(c *networkpolicy.Controller, ctx context.Context, p packet) bool

// Question is one line of input.
type Question struct {
	Namespaces []*v1.Namespace               `json:"namespaces"`
	Pods       []*v1.Pod                     `json:"pods"`
	Policies   []*networkingv1.NetworkPolicy `json:"policies"`
	Packets    []struct {
		From, To, Protocol string
		Port               int
	} `json:"packets"`
}

func main() {
	var err error
	switch {
	case len(os.Args) == 4 && os.Args[1] == "enforce":
		err = enforce(os.Args[2], os.Args[3])
	case len(os.Args) == 2 && os.Args[1] == "judge":
		err = judge()
	default:
		err = fmt.Errorf("usage: policies enforce KUBECONFIG NODE | policies judge")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func controller(config *rest.Config, node string) (*networkpolicy.Controller, informers.SharedInformerFactory, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	made, err := networkpolicy.NewController(
		client,
		factory.Networking().V1().NetworkPolicies(),
		factory.Core().V1().Namespaces(),
		factory.Core().V1().Pods(),
		nil, nil, nil, nil,
		networkpolicy.Config{QueueID: 100, NodeName: node},
	)
	return made, factory, err
}

func enforce(kubeconfig, node string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	made, factory, err := controller(config, node)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	factory.Start(ctx.Done())
	return made.Run(ctx)
}

func judge() error {
	made, factory, err := controller(&rest.Config{Host: "http://127.0.0.1:1"}, "node")
	if err != nil {
		return err
	}
	pods := factory.Core().V1().Pods().Informer().GetIndexer()
	namespaces := factory.Core().V1().Namespaces().Informer().GetIndexer()
	policies := factory.Networking().V1().NetworkPolicies().Informer().GetIndexer()
	input := json.NewDecoder(bufio.NewReader(os.Stdin))
	for input.More() {
		var asked Question
		if err := input.Decode(&asked); err != nil {
			return err
		}
		if err := pods.Replace(anys(asked.Pods), ""); err != nil {
			return err
		}
		if err := namespaces.Replace(anys(asked.Namespaces), ""); err != nil {
			return err
		}
		if err := policies.Replace(anys(asked.Policies), ""); err != nil {
			return err
		}
		answers := []bool{}
		for _, one := range asked.Packets {
			answers = append(answers, evaluatePacket(made, context.Background(), packet{
				srcIP:   net.ParseIP(one.From),
				dstIP:   net.ParseIP(one.To),
				proto:   v1.Protocol(one.Protocol),
				srcPort: 40000,
				dstPort: one.Port,
			}))
		}
		written, err := json.Marshal(answers)
		if err != nil {
			return err
		}
		fmt.Println(string(written))
	}
	return nil
}

func anys[T any](items []T) []any {
	result := []any{}
	for _, item := range items {
		result = append(result, item)
	}
	return result
}
