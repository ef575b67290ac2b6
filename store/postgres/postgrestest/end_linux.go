package postgrestest

import "syscall"

// endWithTest makes the server end with the test, however that ends.
func endWithTest(as *syscall.SysProcAttr) { as.Pdeathsig = syscall.SIGINT }
