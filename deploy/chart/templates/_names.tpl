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
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
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
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.podSecurityContext }}
{{ toYaml . | indent 2 }}
{{- end }}
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

{{- /* Environment of every container of ours, as a list. What asks kube-apiserver asks it past any proxy. */ -}}
{{- define "leadline.env" -}}
{{- $env := list }}
{{- with .Values.proxy }}
{{- if .https }}{{ $env = append $env (dict "name" "HTTPS_PROXY" "value" .https) }}{{ end }}
{{- if .http }}{{ $env = append $env (dict "name" "HTTP_PROXY" "value" .http) }}{{ end }}
{{- if or .https .http }}
{{- $env = append $env (dict "name" "NO_PROXY" "value" (join "," (concat (list "$(KUBERNETES_SERVICE_HOST)" "localhost" "127.0.0.1" "::1" ".svc" ".cluster.local") .except))) }}
{{- end }}
{{- end }}
{{- if .Values.caBundle.configMap }}
{{- $env = append $env (dict "name" "SSL_CERT_FILE" "value" (printf "/etc/leadline-ca/%s" .Values.caBundle.key)) }}
{{- end }}
{{- concat $env .Values.extraEnv | toJson }}
{{- end }}

{{- /* Mounts of every container of ours, as a list; the volumes are those of leadline.volumes. */ -}}
{{- define "leadline.mounts" -}}
{{- $mounts := list }}
{{- if .Values.caBundle.configMap }}
{{- $mounts = append $mounts (dict "name" "ca-bundle" "mountPath" "/etc/leadline-ca" "readOnly" true) }}
{{- end }}
{{- if .Values.ownControls.configMap }}
{{- $mounts = append $mounts (dict "name" "own-controls" "mountPath" "/etc/leadline-controls" "readOnly" true) }}
{{- end }}
{{- concat $mounts .Values.extraVolumeMounts | toJson }}
{{- end }}

{{- define "leadline.volumes" -}}
{{- $volumes := list }}
{{- with .Values.caBundle.configMap }}
{{- $volumes = append $volumes (dict "name" "ca-bundle" "configMap" (dict "name" .)) }}
{{- end }}
{{- with .Values.ownControls.configMap }}
{{- $volumes = append $volumes (dict "name" "own-controls" "configMap" (dict "name" .)) }}
{{- end }}
{{- concat $volumes .Values.extraVolumes | toJson }}
{{- end }}

{{- /* A list of constraints; one without a selector is about the pods of this component. */ -}}
{{- define "leadline.spread" -}}
{{- $selector := dict "matchLabels" (merge (dict "app.kubernetes.io/component" .component) (include "leadline.selector" .top | fromYaml)) }}
{{- $constraints := .top.Values.topologySpreadConstraints }}
{{- if and (not $constraints) (gt (int .replicas) 1) }}
{{- $constraints = list (dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway") }}
{{- end }}
{{- if $constraints }}
topologySpreadConstraints:
{{- range $constraints }}
- {{ merge (dict) . (dict "labelSelector" $selector) | toJson }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Of a Deployment with more than one pod. */ -}}
{{- define "leadline.budget" -}}
{{- if and .top.Values.podDisruptionBudget.enabled (gt (int .replicas) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  namespace: {{ .top.Release.Namespace }}
  labels: {{ include "leadline.labels" .top | nindent 4 }}
spec:
  maxUnavailable: {{ .top.Values.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels: {{ include "leadline.selector" .top | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
{{- end }}
{{- end }}

{{- define "leadline.accountAnnotations" -}}
{{- with .Values.serviceAccount.annotations }}
annotations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Files that say what is accepted and how controls are set, of the operator and the webhook alike, by name. */ -}}
{{- define "leadline.ruleFiles" -}}
{{- range $name, $content := .Values.waivers }}
{{ printf "waivers-%s" $name }}: {{ $content | quote }}
{{- end }}
{{- with .Values.controlsConfig }}
controls.json: {{ toJson . | quote }}
{{- end }}
{{- end }}

{{- /* The settings that name these files, as a mapping. */ -}}
{{- define "leadline.ruleSettings" -}}
{{- $files := list }}
{{- range $name, $_ := .Values.waivers }}{{ $files = append $files (printf "/etc/leadline/waivers-%s" $name) }}{{ end }}
{{- $settings := dict }}
{{- if $files }}{{ $_ := set $settings "waivers" $files }}{{ end }}
{{- if .Values.controlsConfig }}{{ $_ := set $settings "controlsConfig" "/etc/leadline/controls.json" }}{{ end }}
{{- if .Values.ownControls.configMap }}{{ $_ := set $settings "ownControls" (list "/etc/leadline-controls") }}{{ end }}
{{- with .Values.clusterName }}{{ $_ := set $settings "clusterName" . }}{{ end }}
{{- toJson $settings }}
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
{{- $thresholds := mergeOverwrite (dict "exploited" false "newCritical" false "newAdmin" nil "runtime" nil "unread" nil "scanAge" dict) (deepCopy .Values.alerts.thresholds) }}
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
{{- if .Values.caBundle.configMap }}{{ $_ := set $images "caFile" (printf "/etc/leadline-ca/%s" .Values.caBundle.key) }}{{ end }}
{{- if include "leadline.hasJobs" . }}
{{- $_ := set $images "jobTemplate" "/etc/leadline/image-job.json" }}
{{- $_ := set $images "jobPods" .Values.vulnerabilityScan.jobs.parallelism }}
{{- if .Values.vulnerabilityScan.jobs.nodeBlobs }}{{ $_ := set $images "nodeBlobs" "/blobs" }}{{ end }}
image-job.json: {{ include "leadline.imageJob" . | fromYaml | toJson | quote }}
{{- end }}
{{- $rules := include "leadline.ruleSettings" . | fromJson }}
{{- $operator := dict "posture" $can.configurationScan "continuous" $can.continuousScan "readSecrets" $can.readSecrets "images" $images }}
operator.json: {{ mergeOverwrite $operator $rules (deepCopy .Values.operator.settings) | toJson | quote }}
{{- include "leadline.ruleFiles" . }}
{{- if or $can.prometheusExporter $can.alerts }}
{{- $exporter := dict }}
{{- with .Values.clusterName }}{{ $_ := set $exporter "clusterName" . }}{{ end }}
exporter.json: {{ mergeOverwrite $exporter (deepCopy .Values.exporter.settings) | toJson | quote }}
{{- end }}
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

{{- /* The Lease of the operator, which the hook deletes on uninstalling. */ -}}
{{- define "leadline.lease" -}}
{{ .Values.operator.settings.lease | default "leadline-operator" }}
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
