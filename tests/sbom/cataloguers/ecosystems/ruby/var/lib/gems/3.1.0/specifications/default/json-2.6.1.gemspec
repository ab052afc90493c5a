Gem::Specification.new do |s|
  s.name = %q{json}
  s.version = Gem::Version.new "2.6.1"
  s.license = "Ruby"
end
