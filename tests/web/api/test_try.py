def test_it(caller, machine):
    a = caller()
    for p in [
        "/me",
        "/rules",
        "/rules/x",
        "/drafts",
        "/keys",
        "/options",
        "/switch",
        "/revisions",
        "/runs",
        "/audit",
        "/counts",
        "/openapi.json",
        "/nowhere",
    ]:
        r = a.get(p)
        print(p, r.status_code, r.content_type, r.text[:300])
    print(machine().get("/me").text)
    r = a.post("/drafts", {"kind": "rule", "written": {"name": "tea", "offer": {"category": "Bags"}}})
    print(r.status_code, r.text, r.headers)
    i = r.json["id"]
    print(a.put("/drafts/" + i, {"written": {}}).text)
    r = a.post("/drafts/publish", {"drafts": [{"id": i, "version": 1}]})
    print(r.status_code, r.text)
    r = a.get("/rules/tea")
    print(r.text, r.headers)
    r = a.post("/explain", {"cart": [{"product": "laptop"}]})
    print(r.status_code, r.text)
    r = a.post("/explain", {"cart": [{"product": "laptop", "quantity": "1"}], "x": 1})
    print(r.status_code, r.text)
