# -*- encoding: utf-8 -*-
# stub: rack 2.2.3 ruby lib

Gem::Specification.new do |s|
  s.name = "rack".freeze
  s.version = "2.2.3"

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.authors = ["Ann Example".freeze, "Bo O'Example"]
  s.homepage = "https://rack.example".freeze
  s.licenses = ["MIT".freeze]
  s.summary = "A \"modular\" interface".freeze

  s.add_runtime_dependency(%q<webrick>.freeze, ["~> 1.0"])
  s.add_development_dependency(%q<minitest>.freeze, ["~> 5.0"])
  s.add_dependency("base64")
end
