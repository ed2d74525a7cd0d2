package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// A check answers whether one condition holds now, and if not, why.
type check struct {
	name  string
	holds func(context.Context) error
}

// newAwaitCommand waits until every condition on its command line holds, in their order.
func newAwaitCommand() *cobra.Command {
	var kubeconfig string
	var limit time.Duration
	command := &cobra.Command{
		Use:           "await CONDITION...",
		Short:         "Waits for conditions: api, socket=PATH, node=NAME, serviceaccount=NAMESPACE/NAME, deployment=NAMESPACE/NAME",
		SilenceUsage:  true,
		SilenceErrors: false,
		Args:          cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, conditions []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return fmt.Errorf("cannot read the kubeconfig %s: %w", kubeconfig, err)
			}
			config.QPS = -1
			config.Timeout = 5 * time.Second
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return fmt.Errorf("cannot make a client: %w", err)
			}
			ctx, cancel := context.WithTimeout(command.Context(), limit)
			defer cancel()
			for _, condition := range conditions {
				check, err := parse(client, condition)
				if err != nil {
					return err
				}
				if err := check.await(ctx); err != nil {
					return err
				}
			}
			return nil
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "file with the API server's address and credentials")
	command.Flags().DurationVar(&limit, "limit", time.Minute, "longest time to wait for all conditions together")
	return command
}

func (c check) await(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		err := c.holds(ctx)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("gave up on %s: %w", c.name, last)
	}
	return nil
}

func parse(client kubernetes.Interface, condition string) (check, error) {
	kind, value, _ := strings.Cut(condition, "=")
	namespace, name, _ := strings.Cut(value, "/")
	switch kind {
	case "api":
		return check{condition, func(ctx context.Context) error {
			return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
		}}, nil
	case "socket":
		return check{condition, func(ctx context.Context) error {
			connection, err := (&net.Dialer{}).DialContext(ctx, "unix", value)
			if err == nil {
				err = connection.Close()
			}
			return err
		}}, nil
	case "node":
		return check{condition, func(ctx context.Context) error { return nodeReady(ctx, client, value) }}, nil
	case "serviceaccount":
		return check{condition, func(ctx context.Context) error {
			_, err := client.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
			return err
		}}, nil
	case "deployment":
		return check{condition, func(ctx context.Context) error { return deploymentReady(ctx, client, namespace, name) }}, nil
	}
	return check{}, fmt.Errorf("unknown condition %q", condition)
}

func nodeReady(ctx context.Context, client kubernetes.Interface, name string) error {
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == v1.NodeReady && condition.Status == v1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("node %s is not Ready", name)
}

func deploymentReady(ctx context.Context, client kubernetes.Interface, namespace, name string) error {
	deployment, err := client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	wanted := int32(1)
	if deployment.Spec.Replicas != nil {
		wanted = *deployment.Spec.Replicas
	}
	if deployment.Status.ObservedGeneration < deployment.Generation || deployment.Status.ReadyReplicas < wanted {
		return fmt.Errorf("deployment %s/%s has %d of %d replicas ready", namespace, name, deployment.Status.ReadyReplicas, wanted)
	}
	return nil
}
