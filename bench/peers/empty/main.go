// Command empty does nothing: it takes what the start of any Go program takes.
package main

func main() {}
