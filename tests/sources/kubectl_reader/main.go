// Reads manifests as kubectl does, many in one process: the builder below is the one of kubectl's "label --local", from the
// library that kubectl is made of. Each line of standard input is a path; each answer is one line of JSON with the objects that
// were read and the error that ended the reading.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/resource"
)

type answer struct {
	Objects []json.RawMessage `json:"objects"`
	Error   string            `json:"error"`
}

func read(path string) (found answer) {
	defer func() {
		if fault := recover(); fault != nil {
			found.Error = fmt.Sprintf("panic: %v", fault)
		}
	}()
	found.Objects = []json.RawMessage{}
	result := resource.NewBuilder(genericclioptions.NewConfigFlags(true)).
		Unstructured().
		LocalParam(true).
		ContinueOnError().
		NamespaceParam("default").DefaultNamespace().
		FilenameParam(false, &resource.FilenameOptions{Filenames: []string{path}}).
		Flatten().
		Do()
	err := result.Err()
	if err == nil {
		err = result.Visit(func(info *resource.Info, err error) error {
			if err != nil {
				return err
			}
			content, err := json.Marshal(info.Object)
			if err != nil {
				return err
			}
			found.Objects = append(found.Objects, content)
			return nil
		})
	}
	if err != nil {
		found.Error = err.Error()
	}
	return found
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(read(lines.Text())); err != nil {
			os.Exit(1)
		}
	}
}
