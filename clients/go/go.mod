module github.com/flowpact/flowpact-go

go 1.23

require (
)
