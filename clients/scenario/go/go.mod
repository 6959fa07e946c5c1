module scenario

go 1.23

require github.com/flowpact/flowpact-go v0.0.0
