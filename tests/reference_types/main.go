// Reads a report into the reference's own types and writes what those make of it.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/kubescape/opa-utils/objectsenvelopes"
	v2 "github.com/kubescape/opa-utils/reporthandling/v2"
)

type read struct {
	Objects  map[string]string         `json:"objects"`
	Statuses map[string]map[string]int `json:"statuses"`
	Paths    int                       `json:"paths"`
	Report   *v2.PostureReport         `json:"report"`
}

func main() {
	report := &v2.PostureReport{}
	if err := json.NewDecoder(os.Stdin).Decode(report); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	result := read{Objects: map[string]string{}, Statuses: map[string]map[string]int{}, Report: report}
	for i := range report.Resources {
		resource := &report.Resources[i]
		if known := objectsenvelopes.NewObject(resource.GetObject()); known != nil {
			result.Objects[resource.ResourceID] = known.GetID()
		}
	}
	for i := range report.Results {
		for j := range report.Results[i].AssociatedControls {
			control := &report.Results[i].AssociatedControls[j]
			counts := result.Statuses[control.GetID()]
			if counts == nil {
				counts = map[string]int{}
				result.Statuses[control.GetID()] = counts
			}
			counts[string(control.GetStatus(nil).Status())]++
			for _, rule := range control.ResourceAssociatedRules {
				result.Paths += len(rule.Paths)
			}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
