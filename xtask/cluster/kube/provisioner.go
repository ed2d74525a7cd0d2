package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// provisionerName is what a StorageClass says in its "provisioner" field.
const provisionerName = "devspace.test/hostpath"

// hostPath makes each PersistentVolume a folder of its own under root, and removes the folder with the volume.
type hostPath struct {
	root string
	node string
}

// Provision makes the folder and describes it as a hostPath volume of this node. Any user may write to it, because
// the kubelet does not apply fsGroup to hostPath volumes and pods here run as ordinary users.
func (p *hostPath) Provision(_ context.Context, options controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(p.root, options.PVName)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("cannot make the folder of volume %s: %w", options.PVName, err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("cannot open the folder of volume %s to all users: %w", options.PVName, err)
	}
	kind := v1.HostPathDirectory
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			MountOptions:                  options.StorageClass.MountOptions,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: options.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource:        v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{Path: path, Type: &kind}},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
				MatchExpressions: []v1.NodeSelectorRequirement{{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{p.node}}},
			}}}},
		},
	}, controller.ProvisioningFinished, nil
}

// Delete removes the folder of a released volume. A volume whose path is not under root is not ours to remove.
func (p *hostPath) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	path := filepath.Join(p.root, volume.Name)
	if volume.Spec.HostPath == nil || volume.Spec.HostPath.Path != path {
		return &controller.IgnoredError{Reason: "the volume is not a folder under " + p.root}
	}
	return os.RemoveAll(path)
}

func newProvisionerCommand() *cobra.Command {
	var kubeconfig string
	provisioner := &hostPath{}
	command := &cobra.Command{
		Use:          "hostpath-provisioner",
		Short:        "Makes a folder for each claim of the class whose provisioner is " + provisionerName,
		SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return fmt.Errorf("cannot read the kubeconfig %s: %w", kubeconfig, err)
			}
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return fmt.Errorf("cannot make a client: %w", err)
			}
			ctx := command.Context()
			controller.NewProvisionController(ctx, client, provisionerName, provisioner, controller.LeaderElection(false)).Run(ctx)
			return nil
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "file with the API server's address and credentials")
	command.Flags().StringVar(&provisioner.root, "root", "", "folder under which each volume gets a folder")
	command.Flags().StringVar(&provisioner.node, "node", "", "name of the node the folders are on")
	return command
}
