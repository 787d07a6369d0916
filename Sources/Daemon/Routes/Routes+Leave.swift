internal import API

extension Routes {
    func addLeave(to router: inout Router) {
        let leaving = leaving
        router.get("/api/leave") { _ in try await answering { .json(try await leaving.report()) } }
        router.post("/api/leave") { request in
            try await answering { .json(try await leaving.leave(try request.json()), status: 202) }
        }
    }
}
