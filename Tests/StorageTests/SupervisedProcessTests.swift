import Glibc
import Testing

@testable import Storage

@Suite struct SupervisedProcessTests {
    private func run(_ script: String, patienceMs: Int = 20_000, logLimit: Int = 1 << 20, log: String = "/dev/null")
        throws -> SupervisedProcess
    {
        let user = try #require(ServerUser.lookUp(geteuid()))
        return try SupervisedProcess(
            .init(
                program: "/bin/sh", arguments: ["-c", script], user: user, directory: "/", log: log, logLimit: logLimit,
                patienceMs: patienceMs))
    }

    @Test func `the exit code arrives`() throws {
        #expect(try run("exit 3").waitForEnd() == .exited(code: 3))
        #expect(try run("kill -TERM $$").waitForEnd() == .signalled(SIGTERM))
    }

    @Test func `a program that is not there is named by its step`() throws {
        let user = try #require(ServerUser.lookUp(geteuid()))
        let process = try SupervisedProcess(
            .init(program: "/nonexistent", arguments: [], user: user, directory: "/", log: "/dev/null"))
        #expect(process.waitForEnd() == .notStarted(step: "program", code: ENOENT))
        let lost = try SupervisedProcess(
            .init(program: "/bin/true", arguments: [], user: user, directory: "/nonexistent", log: "/dev/null"))
        #expect(lost.waitForEnd() == .notStarted(step: "directory", code: ENOENT))
        #expect(lost.process == nil)
    }

    @Test func `stop interrupts, and a deaf program is forced to end`() throws {
        let polite = try run("trap 'exit 7' INT; while :; do sleep 0.01; done")
        _ = try #require(polite.process)
        polite.stop()
        #expect([.exited(code: 7), .signalled(SIGINT)].contains(polite.waitForEnd()))
        let deaf = try run("trap '' INT; while :; do sleep 0.01; done", patienceMs: 20)
        _ = try #require(deaf.process)
        deaf.stop()
        #expect([.signalled(SIGQUIT), .signalled(SIGINT)].contains(deaf.waitForEnd()))
    }

    @Test func `nothing that the program started is left when the end is reported`() throws {
        let log = TestServer.directory("orphans.log")
        let process = try run("setsid sh -c 'echo $$; exec sleep 1000' & sleep 0.1; kill -9 $$", log: log)
        #expect(process.waitForEnd() == .signalled(SIGKILL))
        let orphan = try #require(pid_t((Files.read(log) ?? "").split(separator: "\n").first ?? ""))
        #expect(kill(orphan, 0) == -1 && errno == ESRCH)
    }

    @Test func `the log is bounded to two files of its limit`() throws {
        let log = TestServer.directory("bounded.log")
        let process = try run("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo end", logLimit: 100_000, log: log)
        #expect(process.waitForEnd() == .exited(code: 0))
        let sizes = [log, log + ".1"].map { Files.status($0).map { Int($0.st_size) } ?? -1 }
        #expect(sizes.allSatisfy { $0 > 0 && $0 <= 100_000 }, "\(sizes)")
        #expect(Files.read(log)?.hasSuffix("end\n") == true)
    }

    @Test func `secrets in the node's environment do not reach the program`() throws {
        let log = TestServer.directory("environment.log")
        setenv("SHOAL_DATABASE_URL", "postgresql://u:secret@h/d", 1)
        // Tests beside this one connect meanwhile: what they inherit must do no harm.
        setenv("PGOPTIONS", "-c geqo=on", 1)
        defer {
            unsetenv("SHOAL_DATABASE_URL")
            unsetenv("PGOPTIONS")
        }
        #expect(try run("env", log: log).waitForEnd() == .exited(code: 0))
        let text = try #require(Files.read(log))
        #expect(text.contains("LC_ALL=C"))
        #expect(!text.contains("SHOAL") && !text.contains("PGOPTIONS"))
    }

    @Test func `a killed supervisor takes its program along and says so`() throws {
        let process = try run("while :; do sleep 0.01; done")
        let pid = try #require(process.process)
        let supervisor = try #require(parent(of: pid))
        kill(supervisor, SIGKILL)
        #expect(process.waitForEnd() == .supervisorLost)
        while kill(pid, 0) == 0 && state(of: pid) != "Z" { usleep(1_000) }
    }
}

/// The fields of /proc/PID/stat after the name: state, parent, …
private func statFields(of pid: pid_t) -> [String] {
    guard let text = Files.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return [] }
    return text[text.index(after: end)...].split(separator: " ").map(String.init)
}

func parent(of pid: pid_t) -> pid_t? {
    statFields(of: pid).dropFirst().first.flatMap { pid_t($0) }
}

func state(of pid: pid_t) -> String? {
    statFields(of: pid).first
}

/// Waits until a process is gone, or ended and not yet waited for; false after `seconds`.
func isGone(_ pid: pid_t, within seconds: Int) -> Bool {
    for _ in 0..<seconds * 200 {
        if kill(pid, 0) != 0 || state(of: pid) == "Z" { return true }
        usleep(5_000)
    }
    return false
}
