package main

// plants are the faults that the tests must find, each the one mistake that a promise is there to rule out.
var plants = []fault{}
