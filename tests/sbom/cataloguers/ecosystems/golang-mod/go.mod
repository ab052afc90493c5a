module github.com/example/app/v2

go 1.21

require github.com/spf13/cobra v1.8.0 // the command line

require (
	example.com/local v0.0.0
	github.com/sirupsen/logrus v1.9.0
	golang.org/x/text v0.3.7 // indirect
)

replace example.com/local => ../local

replace (
	github.com/sirupsen/logrus => github.com/sirupsen/logrus v1.9.3
	golang.org/x/text v0.3.0 => golang.org/x/text v0.3.1
)
