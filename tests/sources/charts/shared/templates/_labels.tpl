{{- define "shared.team" -}}
team: payments
{{- end -}}
