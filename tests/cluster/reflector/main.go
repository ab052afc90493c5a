// reflector keeps the caches of client-go over the kinds that it is given, for as long as its standard input is open.
//
//	reflector KUBECONFIG GROUP/VERSION/PLURAL...
//
// For each line of input it writes one line of JSON: what the caches hold, and what went wrong on the way.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// State is what one line of output says.
type State struct {
	// Objects: for each plural, "namespace/name" to resourceVersion.
	Objects map[string]map[string]string `json:"objects"`
	Synced  bool                         `json:"synced"`
	// Backwards: objects that came with an older version than the cache had.
	Backwards []string `json:"backwards"`
	// Errors: how often watches failed, by reason.
	Errors map[string]int `json:"errors"`
	Events int            `json:"events"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 1000, 1000
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	var lock sync.Mutex
	state := State{Errors: map[string]int{}, Backwards: []string{}}
	informers := map[string]cache.SharedIndexInformer{}
	factory := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
	for _, word := range os.Args[2:] {
		parts := strings.Split(word, "/")
		resource := schema.GroupVersionResource{Group: parts[0], Version: parts[1], Resource: parts[2]}
		informer := factory.ForResource(resource).Informer()
		err := informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, r *cache.Reflector, err error) {
			lock.Lock()
			defer lock.Unlock()
			state.Errors[reason(err)]++
		})
		if err != nil {
			return err
		}
		_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { count(&lock, &state) },
			UpdateFunc: func(old, new any) {
				count(&lock, &state)
				before, after := old.(*unstructured.Unstructured), new.(*unstructured.Unstructured)
				if version(after) < version(before) {
					lock.Lock()
					defer lock.Unlock()
					state.Backwards = append(state.Backwards, key(after))
				}
			},
			DeleteFunc: func(any) { count(&lock, &state) },
		})
		if err != nil {
			return err
		}
		informers[resource.Resource] = informer
	}
	factory.Start(context.Background().Done())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		lock.Lock()
		state.Synced = true
		state.Objects = map[string]map[string]string{}
		for plural, informer := range informers {
			state.Synced = state.Synced && informer.HasSynced()
			held := map[string]string{}
			for _, one := range informer.GetStore().List() {
				held[key(one.(metav1.Object))] = one.(metav1.Object).GetResourceVersion()
			}
			state.Objects[plural] = held
		}
		written, err := json.Marshal(state)
		lock.Unlock()
		if err != nil {
			return err
		}
		fmt.Println(string(written))
	}
	return lines.Err()
}

func count(lock *sync.Mutex, state *State) {
	lock.Lock()
	defer lock.Unlock()
	state.Events++
}

func reason(err error) string {
	if found := apierrors.ReasonForError(err); found != metav1.StatusReasonUnknown {
		return string(found)
	}
	return err.Error()
}

func key(object metav1.Object) string { return object.GetNamespace() + "/" + object.GetName() }

func version(object metav1.Object) int64 {
	number, err := strconv.ParseInt(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return -1
	}
	return number
}
