internal import API

extension Routes {
    func addRotation(to router: inout Router) {
        let rotation = rotation
        router.get("/api/keys/rotation") { _ in try await answering { .json(try await rotation.report()) } }
        router.post("/api/keys/rotation") { request in
            try await answering { .json(try await rotation.rotate(try request.json()), status: 202) }
        }
    }
}
