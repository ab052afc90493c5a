{{- define "leadline.name" -}}
{{- if .Values.nameOverride }}{{ .Values.nameOverride }}
{{- else if contains "leadline" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-leadline" (.Release.Name | trunc 41 | trimSuffix "-") }}
{{- end }}
{{- end }}

{{- define "leadline.selector" -}}
app.kubernetes.io/name: leadline
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "leadline.labels" -}}
{{ include "leadline.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "leadline.image" -}}
{{- if .Values.image.digest }}{{ printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- /* The groups that are served, as names of APIServices. */ -}}
{{- define "leadline.apiservices" -}}
{{ (.Files.Get "files/served.json" | fromJson).apiservices | toJson }}
{{- end }}

{{- /* Of every pod of ours: Pod Security "restricted". Given nodeSelector and tolerations stand for the chart's. */ -}}
{{- define "leadline.pod" -}}
enableServiceLinks: false
automountServiceAccountToken: true
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .nodeSelector | default .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations | default .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- /* Of every container of ours. */ -}}
{{- define "leadline.container" -}}
image: {{ include "leadline.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* Of 30m, 26h, 7d. */ -}}
{{- define "leadline.seconds" -}}
{{- mul (trimSuffix (trunc -1 .) . | int) (get (dict "m" 60 "h" 3600 "d" 86400) (trunc -1 .)) }}
{{- end }}

{{- define "leadline.hook" -}}
helm.sh/hook: pre-delete
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end }}

{{- /* Of an address, with its protocol: 443/TCP. */ -}}
{{- define "leadline.portOf" -}}
{{- $written := "^[a-z]+://[^/?#]*:([0-9]+)([/?#].*)?$" }}
{{- if regexMatch $written . }}{{ regexReplaceAll $written . "${1}" }}
{{- else if hasPrefix "http://" . }}80
{{- else }}443
{{- end }}{{ if hasPrefix "udp://" . }}/UDP{{ else }}/TCP{{ end }}
{{- end }}

{{- /* Ports that the programs ask outside of the cluster, or where a database is, as a list of 443/TCP. */ -}}
{{- define "leadline.outsidePorts" -}}
{{- $ports := list }}
{{- if .Values.capabilities.vulnerabilityScan }}
{{- range .Values.networkPolicy.registryPorts }}{{ $ports = append $ports (printf "%d/TCP" (int .)) }}{{ end }}
{{- with .Values.vulnerabilityDatabase.source | default .Values.vulnerabilityDatabase.address }}{{ $ports = append $ports (include "leadline.portOf" .) }}{{ end }}
{{- end }}
{{- if .Values.capabilities.alerts }}
{{- range .Values.alerts.ports }}{{ $ports = append $ports (printf "%d/TCP" (int .)) }}{{ end }}
{{- range .Values.alerts.receivers }}{{ range . }}
{{- with .url | default .address }}{{ $ports = append $ports (include "leadline.portOf" .) }}{{ end }}
{{- end }}{{ end }}
{{- end }}
{{- if .Values.postgresql.secretName }}
{{- range .Values.postgresql.ports }}{{ $ports = append $ports (printf "%d/TCP" (int .)) }}{{ end }}
{{- end }}
{{- $ports | uniq | toJson }}
{{- end }}

{{- /* No peers at all would be everyone. */ -}}
{{- /* Of a list: the root, then the names of ports. */ -}}
{{- define "leadline.metricsIngress" -}}
{{- $root := first . }}
{{- if and $root.Values.capabilities.prometheusExporter $root.Values.networkPolicy.metricsFrom }}
- ports:
  {{- range rest . }}
  - {port: {{ . }}, protocol: TCP}
  {{- end }}
  from: {{ toYaml $root.Values.networkPolicy.metricsFrom | nindent 2 }}
{{- end }}
{{- end }}

{{- define "leadline.kubeApiEgress" -}}
- ports:
  {{- range .Values.networkPolicy.kubeApiPorts }}
  - {port: {{ . }}, protocol: TCP}
  {{- end }}
  {{- with .Values.networkPolicy.kubeApiCidrs }}
  to:
  {{- range . }}
  - ipBlock: {cidr: {{ . | quote }}}
  {{- end }}
  {{- end }}
{{- end }}

{{- /* Of Prometheus' rules and of the exporter alike: what is not named is off, and no scan is too old that is not made. */ -}}
{{- define "leadline.thresholds" -}}
{{- $thresholds := mergeOverwrite (dict "exploited" false "newCritical" false "unread" nil "scanAge" dict) (deepCopy .Values.alerts.thresholds) }}
{{- if not .Values.capabilities.configurationScan }}{{ $_ := unset $thresholds.scanAge "posture" }}{{ end }}
{{- if not .Values.capabilities.vulnerabilityScan }}{{ $_ := unset $thresholds.scanAge "images" }}{{ end }}
{{- toJson $thresholds }}
{{- end }}

{{- /* Of the programs, as files of one ConfigMap. */ -}}
{{- define "leadline.settings" -}}
{{- $can := .Values.capabilities }}
{{- $images := dict "enabled" $can.vulnerabilityScan "pullSecrets" $can.pullSecrets "cache" "/data/cache" }}
{{- with .Values.vulnerabilityDatabase }}
{{- if and .source .address }}
{{- fail "vulnerabilityDatabase: source is the public one, address that of your own: choose one" }}
{{- end }}
{{- if or .source .address }}
{{- if and .address (not .publicKey) (not .allowUnsigned) }}
{{- fail "vulnerabilityDatabase: publicKey says who may publish it; allowUnsigned: true believes anyone" }}
{{- end }}
{{- $_ := set $images "database" "/data/vulnerabilities.db" }}
{{- $_ := set $images "databaseAddress" (.source | default .address) }}
{{- $_ := set $images "databaseEveryH" .everyHours }}
{{- if .publicKey }}{{ $_ := set $images "databaseKey" "/etc/leadline/database.pub" }}{{ end }}
{{- end }}
{{- end }}
{{- if include "leadline.hasJobs" . }}
{{- $_ := set $images "jobTemplate" "/etc/leadline/image-job.json" }}
{{- $_ := set $images "jobPods" .Values.vulnerabilityScan.jobs.parallelism }}
{{- if .Values.vulnerabilityScan.jobs.nodeBlobs }}{{ $_ := set $images "nodeBlobs" "/blobs" }}{{ end }}
image-job.json: {{ include "leadline.imageJob" . | fromYaml | toJson | quote }}
{{- end }}
{{- $operator := dict "posture" $can.configurationScan "continuous" $can.continuousScan "readSecrets" $can.readSecrets "images" $images }}
operator.json: {{ mergeOverwrite $operator (deepCopy .Values.operator.settings) | toJson | quote }}
{{- with .Values.vulnerabilityDatabase.publicKey }}
database.pub: {{ . | quote }}
{{- end }}
{{- if $can.alerts }}
{{- if not .Values.alerts.receivers }}
{{- fail "capabilities.alerts: alerts.receivers names no one who would get them" }}
{{- end }}
{{- range .Values.alerts.receivers }}
{{- if and (gt (int $.Values.replicas) 1) (not .alertmanager) }}
{{- fail "alerts.receivers: with several replicas each sends its alerts; Alertmanager alone takes them for one" }}
{{- end }}
{{- end }}
alerts.json: {{ dict "thresholds" (include "leadline.thresholds" . | fromJson) "receivers" .Values.alerts.receivers | toJson | quote }}
{{- end }}
{{- end }}

{{- /* Not empty where images are scanned by Jobs. */ -}}
{{- define "leadline.hasJobs" -}}
{{- if and .Values.capabilities.vulnerabilityScan .Values.vulnerabilityScan.jobs.enabled }}yes{{ end }}
{{- end }}

{{- define "leadline.bound" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ .name }}
  labels: {{ include "leadline.labels" .top | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ .role | default .name | quote }}}
subjects:
- {kind: ServiceAccount, name: {{ .account | default (include "leadline.name" .top) }}, namespace: {{ .top.Release.Namespace }}}
{{- end }}
