// Command mongod stands in for MongoDB's server in tests: it takes the flags of mongod that Muster uses, and runs
// FerretDB over PostgreSQL with DocumentDB. It says what it is in `--version`.
//
// Everything lies beside it under one root: /usr/lib/muster-mongod/{ferretdb,template} and PostgreSQL as Debian packages
// it. Where that root is not this system's own, programs run with the root's own loader and libraries.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const version = `db version v7.0.77
Build Info: {
    "version": "7.0.77",
    "gitVersion": "unknown",
    "modules": [],
    "allocator": "system"
}
substitute: FerretDB 2.7.0
`

const (
	libDir      = "usr/lib/muster-mongod"
	postgresBin = "usr/lib/postgresql/18/bin"
	postgresLib = "usr/lib/postgresql/18/lib"
	startLimit  = 60 * time.Second
	endLimit    = 2 * time.Second
)

// Exit codes of mongod.
const (
	exitBadOptions = 2
	exitFailed     = 100
)

type options struct {
	dbpath           string
	port             int
	bindIP           string
	unixSocketPrefix string
	filePermissions  string
	parameters       parameters
}

func main() {
	// A child dies with the thread that began it (Pdeathsig): all are begun here, and this thread lives to the end.
	runtime.LockOSThread()
	opts := parse(os.Args[1:])
	if err := run(opts); err != nil {
		say("F", "substitute", err.Error())
		os.Exit(exitFailed)
	}
}

func parse(args []string) options {
	opts := options{parameters: parameters{}}
	set := flag.NewFlagSet("mongod", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&opts.dbpath, "dbpath", "/data/db", "")
	set.IntVar(&opts.port, "port", 27017, "")
	set.StringVar(&opts.bindIP, "bind_ip", "127.0.0.1", "")
	set.StringVar(&opts.unixSocketPrefix, "unixSocketPrefix", "/tmp", "")
	set.StringVar(&opts.filePermissions, "filePermissions", "0700", "")
	set.Var(opts.parameters, "setParameter", "")
	// What tunes WiredTiger and the log has nothing to tune here.
	for _, name := range []string{"quiet", "noauth", "noscripting", "directoryperdb", "wiredTigerDirectoryForIndexes"} {
		set.Bool(name, false, "")
	}
	for _, name := range []string{
		"wiredTigerCacheSizeGB", "wiredTigerCacheSizePct", "wiredTigerJournalCompressor", "wiredTigerEngineConfigString",
		"wiredTigerCollectionBlockCompressor", "wiredTigerIndexPrefixCompression", "zstdDefaultCompressionLevel",
		"journalCommitInterval", "syncdelay", "storageEngine", "maxConns", "slowms", "profile", "timeStampFormat",
		"networkMessageCompressors",
	} {
		set.String(name, "", "")
	}
	asked := set.Bool("version", false, "")
	if err := set.Parse(args); err != nil || set.NArg() > 0 {
		if err == nil {
			err = fmt.Errorf("unexpected argument %s", set.Arg(0))
		}
		fmt.Fprintf(os.Stderr, "Error parsing command line: %v\ntry 'mongod --help' for more information\n", err)
		os.Exit(exitBadOptions)
	}
	if *asked {
		fmt.Print(version)
		os.Exit(0)
	}
	return opts
}

// parameters are those of `--setParameter NAME=VALUE`.
type parameters map[string]string

func (p parameters) String() string { return "" }

func (p parameters) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found || name == "" {
		return fmt.Errorf("illegal option assignment: %q", text)
	}
	p[name] = value
	return nil
}

func run(opts options) error {
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)

	root, err := findRoot()
	if err != nil {
		return err
	}
	cluster, err := ensureCluster(root, opts.dbpath)
	if err != nil {
		return err
	}
	if err := os.Remove(socketOf(opts)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	events := make(chan event, 16)
	postgres := command(root, postgresBin+"/postgres", postgresArgs(opts, cluster)...)
	ferretdb := command(root, libDir+"/ferretdb", ferretdbArgs(opts)...)
	start(events, "postgres", postgres)
	defer end(events, postgres, ferretdb)
	late := time.After(startLimit)
	for {
		select {
		case <-stopped:
			return nil
		case <-late:
			return fmt.Errorf("not ready after %s", startLimit)
		case happened := <-events:
			switch happened.what {
			case ended:
				return fmt.Errorf("%s ended: %s", happened.who, happened.why)
			case accepting:
				start(events, "ferretdb", ferretdb)
			case listening:
				if err := permit(opts); err != nil {
					return err
				}
				say("I", "listener", "Waiting for connections", "port", opts.port, "ssl", "off")
				late = nil
			}
		}
	}
}

// ensureCluster tells where PostgreSQL's data lies in dbpath, and copies it from the template the first time.
func ensureCluster(root string, dbpath string) (string, error) {
	if _, err := os.Stat(dbpath); err != nil {
		return "", fmt.Errorf("NonExistentPath: Data directory %s not found", dbpath)
	}
	cluster := filepath.Join(dbpath, "postgres")
	if _, err := os.Stat(cluster); !errors.Is(err, fs.ErrNotExist) {
		return cluster, err
	}
	// A copy that was broken off has not got the name.
	making := cluster + ".making"
	if err := os.RemoveAll(making); err != nil {
		return "", err
	}
	if err := copyTree(filepath.Join(root, libDir, "template"), making); err != nil {
		return "", err
	}
	return cluster, os.Rename(making, cluster)
}

type event struct {
	who  string
	what what
	why  string
}

type what int

const (
	ended what = iota
	// PostgreSQL takes queries.
	accepting
	// FerretDB takes connections.
	listening
)

func postgresArgs(opts options, cluster string) []string {
	settings := map[string]string{
		"shared_preload_libraries":               "pg_cron,pg_documentdb_core,pg_documentdb",
		"listen_addresses":                       "",
		"unix_socket_directories":                opts.dbpath,
		"documentdb.localhost_connection_string": "host=" + opts.dbpath,
		"cron.database_name":                     "postgres",
		"cron.use_background_workers":            "on",
		"cron.log_run":                           "off",
		"cron.log_statement":                     "off",
		"cron.launch_active_jobs":                "on",
		// As many as FerretDB's hello promises.
		"documentdb.maxWriteBatchSize": "100000",
		// A backup's documents do not belong in a log.
		"log_min_error_statement":                "panic",
		"log_error_verbosity":                    "terse",
		"documentdb.force_index_builds_blocking": "on",
		"documentdb_core.enableCollation":        "on",
		"fsync":                                  "off",
		"synchronous_commit":                     "off",
		"full_page_writes":                       "off",
		"wal_level":                              "minimal",
		"max_wal_senders":                        "0",
		"max_wal_size":                           "64MB",
		"documentdb.enableBackgroundWorker":      "off",
		"autovacuum":                             "off",
		"jit":                                    "off",
		"shared_buffers":                         "128MB",
		"max_connections":                        "60",
		"max_worker_processes":                   "8",
		"max_parallel_workers_per_gather":        "0",
		"max_logical_replication_workers":        "0",
		"timezone":                               "UTC",
		"log_timezone":                           "UTC",
		"log_line_prefix":                        "",
		"lc_messages":                            "C",
	}
	// Expired documents stay: the job that removes them is a job of cron.
	if opts.parameters["ttlMonitorEnabled"] == "false" {
		settings["cron.launch_active_jobs"] = "off"
	}
	args := []string{"-D", cluster}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	return args
}

func ferretdbArgs(opts options) []string {
	url := "postgres:///postgres?user=postgres&pool_min_conns=1&pool_max_conns=30&host=" + opts.dbpath
	address, _, _ := strings.Cut(opts.bindIP, ",")
	return []string{
		"--postgresql-url=" + url,
		"--listen-addr=" + net.JoinHostPort(address, strconv.Itoa(opts.port)),
		"--no-auth",
		"--telemetry=disable",
		"--debug-addr=-",
		"--state-dir=" + filepath.Join(opts.dbpath, "ferretdb"),
		"--log-format=mongo",
		"--listen-unix=" + socketOf(opts),
	}
}

func socketOf(opts options) string {
	return filepath.Join(opts.unixSocketPrefix, fmt.Sprintf("mongodb-%d.sock", opts.port))
}

// permit gives the socket the permissions that were asked for.
func permit(opts options) error {
	mode, err := strconv.ParseUint(opts.filePermissions, 8, 32)
	if err != nil {
		return err
	}
	return os.Chmod(socketOf(opts), fs.FileMode(mode))
}

// findRoot tells the root of the file system that this program is in: its own path is ROOT/usr/bin/mongod.
func findRoot() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	self, err = filepath.EvalSymlinks(self)
	return filepath.Dir(filepath.Dir(filepath.Dir(self))), err
}

func command(root string, path string, args ...string) *exec.Cmd {
	program := filepath.Join(root, path)
	child := exec.Command(program, args...)
	if root != "/" {
		libraries, _ := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*"))
		loaders, _ := filepath.Glob(filepath.Join(root, "usr/lib*/ld-linux-*"))
		if len(libraries) > 0 && len(loaders) > 0 {
			child = exec.Command(loaders[0], append([]string{"--library-path", libraries[0] + ":" + filepath.Join(root, postgresLib), "--argv0", program, program}, args...)...)
		}
	}
	child.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/tmp", "LC_ALL=C", "TZ=UTC", "DO_NOT_TRACK=1"}
	// Its own children hold its log open a little longer.
	child.WaitDelay = time.Second
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return child
}

// start runs a program, hands on what it logs, and tells what happens to it.
func start(events chan<- event, who string, child *exec.Cmd) {
	reader, writer := io.Pipe()
	child.Stdout, child.Stderr = writer, writer
	if err := child.Start(); err != nil {
		events <- event{who, ended, err.Error()}
		return
	}
	go func() {
		lines := bufio.NewScanner(reader)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			relay(events, who, lines.Text())
		}
		_, _ = io.Copy(io.Discard, reader)
	}()
	go func() {
		why := "exit status 0"
		if err := child.Wait(); err != nil {
			why = err.Error()
		}
		_ = writer.Close()
		events <- event{who, ended, why}
	}()
}

func relay(events chan<- event, who string, line string) {
	if strings.HasPrefix(line, "{") {
		write(line)
	} else {
		say("I", who, line)
	}
	switch {
	case strings.Contains(line, "database system is ready to accept connections"):
		events <- event{who, accepting, ""}
	// The last of its listeners.
	case strings.Contains(line, "Listening on Unix"):
		events <- event{who, listening, ""}
	}
}

// end stops both at once: PostgreSQL by SIGQUIT, for nothing of its data is kept.
func end(events <-chan event, postgres *exec.Cmd, ferretdb *exec.Cmd) {
	if ferretdb.Process != nil {
		_ = ferretdb.Process.Kill()
	}
	if postgres.Process == nil || postgres.Process.Signal(syscall.SIGQUIT) != nil {
		return
	}
	late := time.After(endLimit)
	for {
		select {
		case <-late:
			return
		case happened := <-events:
			if happened.who == "postgres" && happened.what == ended {
				return
			}
		}
	}
}

func copyTree(from string, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		return copyFile(path, target)
	})
}

func copyFile(from string, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

var writing sync.Mutex

func write(line string) {
	writing.Lock()
	defer writing.Unlock()
	_, _ = os.Stdout.WriteString(line + "\n")
}

// say writes a line of log as mongod does, to stdout.
func say(severity string, context string, message string, attributes ...any) {
	line := map[string]any{
		"t":   map[string]string{"$date": time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00")},
		"s":   severity,
		"c":   "-",
		"ctx": context,
		"msg": message,
	}
	if len(attributes) > 1 {
		attr := map[string]any{}
		for index := 0; index+1 < len(attributes); index += 2 {
			attr[fmt.Sprint(attributes[index])] = attributes[index+1]
		}
		line["attr"] = attr
	}
	encoded, _ := json.Marshal(line)
	write(string(encoded))
}
